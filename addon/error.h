// What failed below, as a C++ exception, and its form in JavaScript.
#ifndef RINGWALL_ERROR_H
#define RINGWALL_ERROR_H

#include "node-api.h"

#include <cerrno>
#include <cstdint>
#include <string>

namespace ringwall {

/** A failed call of the kernel or of libbpf. Free of JavaScript, so that workers can throw it. */
struct Failure {
    int code;          // errno, or libbpf's own (4000 and more); positive
    std::string what;  // what was tried
    std::string log;   // libbpf's or the kernel's own words
    int64_t done = -1; // entries of a batch that were set; -1: no batch

    Failure(int error, std::string attempt, std::string words = "")
        : code(error < 0 ? -error : error), what(std::move(attempt)), log(std::move(words)) {}

    static Failure fromErrno(std::string attempt) {
        return Failure(errno, std::move(attempt));
    }

    /** The error that JavaScript sees: message, code, errno, log, and done where a batch failed. */
    Napi::Error toError(Napi::Env env) const;
};

/**
 * Collects what libbpf prints on this thread while it lives. libbpf has one print hook for the process; the
 * hook finds the collector of its own thread, so environments and workers do not hear each other.
 */
class LogCapture {
  public:
    LogCapture();
    LogCapture(const LogCapture &) = delete;
    LogCapture &operator=(const LogCapture &) = delete;
    ~LogCapture();

    /** Throws Failure with the log when `result` (a libbpf return value) is negative; else returns it. */
    int check(int result, const std::string &attempt) const;
    const std::string &text() const {
        return text_;
    }
    void append(const char *words, size_t length) {
        text_.append(words, length);
    }

  private:
    LogCapture *outer_;
    std::string text_;
};

/** Runs `body`; a Failure becomes the JavaScript error. */
template <class Body> auto guard(Napi::Env env, Body body) -> decltype(body()) {
    try {
        return body();
    } catch (const Failure &failure) {
        throw failure.toError(env);
    } catch (const std::bad_alloc &) {
        throw Failure(ENOMEM, "out of memory").toError(env);
    }
}

/** The same for a plain function of the module's surface. */
template <Napi::Value (*F)(const Napi::CallbackInfo &)> Napi::Value guarded(const Napi::CallbackInfo &info) {
    return guard(info.Env(), [&] { return F(info); });
}

/** setErrorFactory(factory): from now on `factory(error)` makes what is thrown in this environment. */
Napi::Value setErrorFactory(const Napi::CallbackInfo &info);

} // namespace ringwall

#endif
