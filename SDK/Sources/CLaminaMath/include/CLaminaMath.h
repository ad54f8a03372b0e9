/* CLaminaMath: vector mathematics and the counter-based random generator that every plugin shares.
 *
 * Conventions of all array kernels:
 * - `n` counts elements; n <= 0 does nothing. Arrays need no alignment.
 * - The output may be the very same array as an input; arrays that overlap otherwise are not allowed.
 * - An element's result depends on that element alone: never on its position, on `n`, or on how a caller cuts an array
 *   into pieces. So work may be split among threads in any way and gives the same bits. (Of a NaN, only that it is one.)
 * - Kernels allocate nothing, keep no state and may run on any thread.
 * - They assume rounding to nearest and denormals enabled, which is how a process starts.
 * - Levels with fused multiply-add (x86-64-v3 and v4) give the same bits as each other, and so do levels without
 *   (x86-64, x86-64-v2); between the two kinds, results may differ within the stated accuracy.
 *
 * Accuracy is stated in ulp: the distance to the exact result, in units of the spacing of floats at that result.
 */
#ifndef CLAMINA_MATH_H
#define CLAMINA_MATH_H

#include "lamina_math/arithmetic.h"
#include "lamina_math/functions.h"
#include "lamina_math/gradients.h"
#include "lamina_math/layout.h"
#include "lamina_math/random.h"
#include "lamina_math/reductions.h"
#include "lamina_math/softmax.h"


#endif
