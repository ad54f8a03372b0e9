#include "gate.h"

#include "lanes.h"

#include <lamina_vector/activation.h>

typedef vfloat (*function)(vfloat);

V_INLINE vfloat relu(vfloat x) { return v_at_least(x, 0.0f); }
V_INLINE vfloat relu_derivative(vfloat x) { return x > 0.0f ? (vfloat)1.0f : (vfloat)0.0f; }
V_INLINE vfloat sigmoid_derivative(vfloat x) {
  vfloat value = v_sigmoid(x);
  return value * (1.0f - value);
}

V_INLINE void forward(function f, int64_t rows, int64_t width, const float *x, float *y) {
  for (int64_t row = 0; row < rows; row++, x += 2 * width, y += width) {
    for (int64_t i = 0; i < width; i += V_LANES) {
      int64_t count = lanes_at(i, width);
      store(y + i, f(load(x + i, count)) * load(x + width + i, count), count, 0);
    }
  }
}

V_INLINE void backward(function f, function derivative, int64_t rows, int64_t width, const float *x, const float *dy,
                       float *dx, int accumulate) {
  for (int64_t row = 0; row < rows; row++, x += 2 * width, dy += width, dx += 2 * width) {
    for (int64_t i = 0; i < width; i += V_LANES) {
      int64_t count = lanes_at(i, width);
      vfloat a = load(x + i, count), gradient = load(dy + i, count);
      vfloat first = gradient * load(x + width + i, count) * derivative(a), second = gradient * f(a);
      store(dx + i, first, count, accumulate);
      store(dx + width + i, second, count, accumulate);
    }
  }
}

V_KERNEL void lamina_gate(int32_t activation, int64_t rows, int64_t width, const float *x, float *y) {
  switch (activation) {
  case LAMINA_GATE_SILU: return forward(v_silu, rows, width, x, y);
  case LAMINA_GATE_GELU: return forward(v_gelu, rows, width, x, y);
  case LAMINA_GATE_GELU_TANH: return forward(v_gelu_tanh, rows, width, x, y);
  case LAMINA_GATE_SIGMOID: return forward(v_sigmoid, rows, width, x, y);
  default: return forward(relu, rows, width, x, y);
  }
}

V_KERNEL void lamina_gate_gradient(int32_t activation, int64_t rows, int64_t width, const float *x, const float *dy,
                                   float *dx, int accumulate) {
  switch (activation) {
  case LAMINA_GATE_SILU: return backward(v_silu, v_silu_derivative, rows, width, x, dy, dx, accumulate);
  case LAMINA_GATE_GELU: return backward(v_gelu, v_gelu_derivative, rows, width, x, dy, dx, accumulate);
  case LAMINA_GATE_GELU_TANH: return backward(v_gelu_tanh, v_gelu_tanh_derivative, rows, width, x, dy, dx, accumulate);
  case LAMINA_GATE_SIGMOID: return backward(v_sigmoid, sigmoid_derivative, rows, width, x, dy, dx, accumulate);
  default: return backward(relu, relu_derivative, rows, width, x, dy, dx, accumulate);
  }
}
