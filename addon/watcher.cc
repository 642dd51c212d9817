#include "watcher.h"

#include <uv.h>

#include <memory>

#include "error.h"

namespace ringwall {

namespace {

/** Runs `body`; what it throws becomes an uncaught exception of Node. */
template <class Body> void runGuarded(Napi::Env env, const Body &body) noexcept {
    try {
        try {
            body();
        } catch (const Napi::Error &error) {
            napi_fatal_exception(env, error.Value());
        } catch (const Failure &failure) {
            napi_fatal_exception(env, failure.toError(env).Value());
        }
    } catch (const Napi::Error &) {
        // The environment is ending (a terminated worker): no JavaScript runs any more that could be told.
    }
}

} // namespace

/** Outlives the Watcher by one turn of the loop: libuv gives a handle back only in its close callback. */
struct Watcher::State {
    State(Napi::Env environment, const char *name) : env(environment), context(environment, name) {}

    uv_poll_t poll = {};
    Napi::Env env;
    Napi::AsyncContext context;
    std::function<void()> onReadable;
    std::function<void()> onEnd;
    napi_async_cleanup_hook_handle cleanup = nullptr;

    static void readable(uv_poll_t *poll, int status, int) {
        auto *state = static_cast<State *>(poll->data);
        // libuv stops a handle whose socket has an error pending (netlink's ENOBUFS). The reader takes the
        // error off the socket; what cannot be read any more it closes.
        if (status < 0)
            uv_poll_start(poll, UV_READABLE, readable);
        runGuarded(state->env, [state] {
            Napi::HandleScope handles(state->env);
            Napi::CallbackScope scope(state->env, state->context);
            state->onReadable();
        });
    }

    static void ended(napi_async_cleanup_hook_handle, void *data) {
        // A copy: closing the watcher clears the original.
        std::function<void()> onEnd = static_cast<State *>(data)->onEnd;
        onEnd();
    }

    static void closed(uv_handle_t *handle) {
        auto *state = static_cast<State *>(handle->data);
        napi_async_cleanup_hook_handle cleanup = state->cleanup;
        {
            Napi::HandleScope handles(state->env);
            delete state;
        }
        napi_remove_async_cleanup_hook(cleanup);
    }
};

Watcher::Watcher(Napi::Env env, const char *name, int fd, std::function<void()> onReadable,
                 std::function<void()> onEnd) {
    uv_loop_t *loop = nullptr;
    if (napi_get_uv_event_loop(env, &loop) != napi_ok)
        throw Failure(ENOSYS, "cannot reach the event loop");
    auto state = std::make_unique<State>(env, name);
    if (int error = uv_poll_init(loop, &state->poll, fd))
        throw Failure(error, "cannot watch a descriptor");
    state_ = state.release();
    state_->poll.data = state_;
    state_->onReadable = std::move(onReadable);
    state_->onEnd = std::move(onEnd);
    napi_add_async_cleanup_hook(env, State::ended, state_, &state_->cleanup);
    uv_poll_start(&state_->poll, UV_READABLE, State::readable);
}

Watcher::~Watcher() {
    state_->onEnd = nullptr;
    uv_poll_stop(&state_->poll);
    uv_close(reinterpret_cast<uv_handle_t *>(&state_->poll), State::closed);
}

void callListener(const Napi::FunctionReference &listener,
                  const std::function<Napi::Value(Napi::Env)> &makeArgument) noexcept {
    Napi::Env env = listener.Env();
    runGuarded(env, [&] {
        Napi::HandleScope scope(env);
        listener.Call({makeArgument(env)});
    });
}

} // namespace ringwall
