// Work on libuv's thread pool, as a promise.
#ifndef RINGWALL_WORKER_H
#define RINGWALL_WORKER_H

#include "node-api.h"

#include <functional>
#include <new>
#include <optional>

#include "error.h"

namespace ringwall {

/** Runs `work` on a pool thread (no JavaScript there), then `convert` on the event loop. Deletes itself. */
template <class Result> class Worker : public Napi::AsyncWorker {
  public:
    using Work = std::function<Result()>;
    using Convert = std::function<Napi::Value(Napi::Env, const Result &)>;

    static Napi::Value start(Napi::Env env, const char *name, Work work, Convert convert) {
        auto *worker = new Worker(env, name, std::move(work), std::move(convert));
        Napi::Promise promise = worker->deferred_.Promise();
        worker->Queue();
        return promise;
    }

    void Execute() override {
        try {
            result_ = work_();
        } catch (const Failure &failure) {
            failure_ = failure;
        } catch (const std::bad_alloc &) {
            failure_ = Failure(ENOMEM, "out of memory");
        }
    }

    void OnOK() override {
        Napi::HandleScope scope(Env());
        try {
            settle();
        } catch (const Napi::Error &) {
            // The environment is ending (a terminated worker): nobody waits for the promise any more.
        }
    }

  private:
    Worker(Napi::Env env, const char *name, Work work, Convert convert)
        : Napi::AsyncWorker(env, name), deferred_(env), work_(std::move(work)), convert_(std::move(convert)) {
    }

    void settle() {
        if (failure_) {
            deferred_.Reject(failure_->toError(this->Env()).Value());
            return;
        }
        try {
            deferred_.Resolve(convert_(this->Env(), *result_));
        } catch (const Napi::Error &error) {
            deferred_.Reject(error.Value());
        }
    }

    Napi::Promise::Deferred deferred_;
    Work work_;
    Convert convert_;
    std::optional<Result> result_;
    std::optional<Failure> failure_;
};

} // namespace ringwall

#endif
