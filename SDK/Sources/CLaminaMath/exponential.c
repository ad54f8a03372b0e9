#include "lamina_math/functions.h"
#include "lamina_vector/exponential.h"
#include "map.h"

LAMINA_MAP(lamina_math_exp, v_exp)
LAMINA_MAP(lamina_math_expm1, v_expm1)
LAMINA_MAP(lamina_math_tanh, v_tanh)
LAMINA_MAP(lamina_math_sigmoid, v_sigmoid)
