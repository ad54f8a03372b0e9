#include "lamina.h"
