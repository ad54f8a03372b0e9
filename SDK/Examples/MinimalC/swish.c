/* A whole Lamina plugin in C: one layer, swish, y = x · σ(βx), with its gradient.
 *
 * Ramachandran, Zoph, Le: Searching for Activation Functions, 2017. Only the headers are needed: see Makefile. */
#include <lamina.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The layer. It has no state per plan, so the plan is the layer itself. */
typedef struct swish {
  const lamina_host *host;
  float beta;
} swish;

static lamina_status fail(const lamina_host *host, lamina_status status, const char *text, int32_t input) {
  host->set_error(host, status, (lamina_string){text, strlen(text)}, input);
  return status;
}

static lamina_status create(const lamina_component *component, const lamina_host *host,
                            const lamina_attributes *attributes, void **out) {
  (void)component;
  swish *layer = malloc(sizeof *layer);
  if (!layer) return fail(host, LAMINA_ERROR_MEMORY, "no memory for the layer", -1);
  layer->host = host;
  /* The host has checked the attributes against the schema below and filled in the default: there is one, a real. */
  layer->beta = (float)*(const double *)attributes->items[0].values;
  *out = layer;
  return LAMINA_OK;
}

static void destroy(void *layer) { free(layer); }

/* One output of the input's shape, in any layout. Dimensions may be symbolic; they are only passed on. */
static lamina_status infer(void *handle, const lamina_inference *inference) {
  const swish *layer = handle;
  const lamina_tensor *x = &inference->inputs[0];
  if (x->dtype.code != LAMINA_TYPE_FLOAT || x->dtype.bits != 32)
    return fail(layer->host, LAMINA_ERROR_TYPE, "the input is not float32: convert it first", 0);
  inference->set_layouts(inference->sink, LAMINA_LAYOUT_PLAIN | LAMINA_LAYOUT_CHANNELS_LAST, 0);
  return inference->add_output(inference->sink, x->dtype, x->rank, x->shape);
}

static int64_t count(const lamina_tensor *tensor) {
  int64_t result = 1;
  for (int32_t axis = 0; axis < tensor->rank; axis++) result *= tensor->shape[axis];
  return result;
}

/* Backward reads x. Where no gradient is wanted y may overwrite x. */
static lamina_status plan(void *layer, const lamina_planning *planning, void **planned) {
  double elements = (double)count(&planning->inputs[0]);
  if (planning->wants_input_gradient[0]) planning->save_input(planning->sink, 0);
  planning->allow_in_place(planning->sink, 0, 0, LAMINA_IN_PLACE_REUSE);
  planning->allow_gradient_in_place(planning->sink, 0, 0, LAMINA_IN_PLACE_REUSE);
  planning->set_flops(planning->sink, 4 * elements, 8 * elements);
  *planned = layer;
  return LAMINA_OK;
}

static void release(void *planned) { (void)planned; }

/* What one call hands to its chunks. */
typedef struct chunks {
  float beta;
  const float *x, *dy;
  float *y, *dx;
  int adds;
} chunks;

enum { GRAIN = 4096 };

static float sigmoid(float x) { return 1 / (1 + expf(-x)); }

static void forward_chunk(void *context, int64_t begin, int64_t end) {
  const chunks *c = context;
  for (int64_t i = begin; i < end; i++) c->y[i] = c->x[i] * sigmoid(c->beta * c->x[i]);
}

static lamina_status forward(void *planned, const lamina_run *run) {
  const swish *layer = planned;
  chunks c = {.beta = layer->beta, .x = run->inputs[0].data, .y = run->outputs[0].data};
  layer->host->parallel_for(layer->host, count(&run->inputs[0]), GRAIN, forward_chunk, &c);
  return LAMINA_OK;
}

/* dL/dx = dL/dy · (s + βx·s·(1 - s)), s = σ(βx) */
static void backward_chunk(void *context, int64_t begin, int64_t end) {
  const chunks *c = context;
  for (int64_t i = begin; i < end; i++) {
    float s = sigmoid(c->beta * c->x[i]);
    float gradient = c->dy[i] * (s + c->beta * c->x[i] * s * (1 - s));
    c->dx[i] = c->adds ? c->dx[i] + gradient : gradient;
  }
}

static lamina_status backward(void *planned, const lamina_run *run) {
  const swish *layer = planned;
  const lamina_tensor *dx = &run->input_gradients[0];
  if (dx->flags & LAMINA_TENSOR_ABSENT) return LAMINA_OK;
  chunks c = {.beta = layer->beta, .x = run->inputs[0].data, .dy = run->output_gradients[0].data, .dx = dx->data,
              .adds = (dx->flags & LAMINA_TENSOR_ACCUMULATE) != 0};
  layer->host->parallel_for(layer->host, count(dx), GRAIN, backward_chunk, &c);
  return LAMINA_OK;
}

static const lamina_layer functions = {
    .struct_size = sizeof(lamina_layer), .create = create, .destroy = destroy, .infer = infer, .plan = plan,
    .release = release, .forward = forward, .backward = backward};

static const lamina_attribute_schema beta = {
    .struct_size = sizeof(lamina_attribute_schema), .types = LAMINA_ATTRIBUTE_REAL, .name = "beta",
    .documentation = "Steepness: 1 is SiLU, large values come near ReLU.", .default_json = "1",
    .minimum = -INFINITY, .maximum = INFINITY, .maximum_count = INT32_MAX};

static const lamina_attribute_schema *const attributes[] = {&beta};
static const lamina_port inputs[] = {{.name = "input", .documentation = "Any shape."}};

static const lamina_component layer = {
    .struct_size = sizeof(lamina_component), .version = 1, .kind = LAMINA_KIND_LAYER, .name = "swish",
    .documentation = "y = x · σ(βx), smooth and not monotonic.", .attribute_count = 1, .input_count = 1,
    .attributes = attributes, .inputs = inputs, .vtable = &functions};

static const lamina_component *const components[] = {&layer};

int32_t lamina_plugin_v1(const lamina_host *host, lamina_plugin *out) {
  (void)host;
  if (out->struct_size < sizeof(lamina_plugin)) return LAMINA_ERROR_UNSUPPORTED;
  out->abi_minor = LAMINA_ABI_MINOR;
  out->id = "minimal_c";
  out->name = "Minimal C";
  out->version = "1.0.0";
  out->license = "Apache-2.0";
  out->documentation = "One layer in C, as an example.";
  out->component_count = 1;
  out->components = components;
  return LAMINA_OK;
}
