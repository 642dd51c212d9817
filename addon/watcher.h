// Watcher: a readable descriptor on the event loop, and the one guarded place where JavaScript is called.
#ifndef RINGWALL_WATCHER_H
#define RINGWALL_WATCHER_H

#include <napi.h>

#include <functional>
#include <initializer_list>

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

/** Calls a listener; what it throws becomes an uncaught exception of Node, never one in the caller. */
void callListener(const Napi::FunctionReference &listener, const Napi::Value &argument);

} // namespace ringwall

#endif
