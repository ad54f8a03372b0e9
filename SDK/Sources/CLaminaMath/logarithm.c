#include "lamina_math/functions.h"
#include "lamina_vector/logarithm.h"
#include "map.h"

LAMINA_MAP(lamina_math_log, v_log)
