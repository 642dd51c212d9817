// Watcher: a readable descriptor on the event loop, and the one guarded place where JavaScript is called.
#ifndef RINGWALL_WATCHER_H
#define RINGWALL_WATCHER_H

#include "node-api.h"

#include <functional>

namespace ringwall {

/**
 * Calls back on the event loop while a descriptor is readable, until close(). It keeps the process alive.
 * An environment that ends (a worker thread) closes it first.
 */
class Watcher {
  public:
    /**
     * `onReadable` runs inside a callback scope of Node; what it throws is an uncaught exception. It must
     * leave the loop its turn: the descriptor is reported again as long as it is readable.
     * `onEnd` runs when the environment ends while the watcher is open; it must close the watcher.
     * Throws Failure.
     */
    Watcher(Napi::Env env, const char *name, int fd, std::function<void()> onReadable,
            std::function<void()> onEnd);
    Watcher(const Watcher &) = delete;
    Watcher &operator=(const Watcher &) = delete;
    ~Watcher();

  private:
    struct State;
    State *state_;
};

/**
 * Calls a listener with what `makeArgument` makes, in a handle scope of its own. What either throws becomes
 * an uncaught exception of Node: nothing passes through the C code that may be below on the stack.
 */
void callListener(const Napi::FunctionReference &listener,
                  const std::function<Napi::Value(Napi::Env)> &makeArgument) noexcept;

} // namespace ringwall

#endif
