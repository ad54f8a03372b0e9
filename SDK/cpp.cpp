#include "CLaminaMath.h"
#include "lamina_vector/activation.h"
#include "lamina_vector/trigonometry.h"
#include "lamina_vector/philox.h"
#include "lamina_vector/reduction.h"
int main(){float x=0,y; lamina_math_exp(&x,&y,1); v_store(&y, v_gelu(v_load_partial(&x,1)));}
