/* Compiled into the SDK: the bridge that lets a Swift closure be the body of parallel_for without an allocation.
 *
 * Swift hands a non-escaping closure to a function with the Swift calling convention as two words, code and context.
 * The C callback below puts them together again on the host's threads. */
#include "lamina.h"

typedef __attribute__((swiftcall)) void swift_body(int64_t begin, int64_t end,
                                                   __attribute__((swift_context)) void *context);

struct swift_closure {
  swift_body *code;
  void *context;
};

static void call_swift_closure(void *closure, int64_t begin, int64_t end) {
  const struct swift_closure *body = closure;
  body->code(begin, end, body->context);
}

__attribute__((swiftcall, visibility("hidden"))) void
lamina_sdk_parallel_for(const lamina_host *host, int64_t count, int64_t grain, swift_body *code, void *context) {
  struct swift_closure closure = {code, context};
  host->parallel_for(host, count, grain, call_swift_closure, &closure);
}
