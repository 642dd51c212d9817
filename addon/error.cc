#include "error.h"

#include <bpf/libbpf.h>
#include <uv.h>

#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <vector>

#include "arguments.h"
#include "environment.h"

namespace ringwall {

namespace {

// The kernel's own ENOTSUPP (include/linux/errno.h); it reaches user space from bpf(2).
constexpr int kKernelNotSupported = 524;

// The innermost capture of each thread: libbpf's print hook takes no context.
thread_local LogCapture *innermost = nullptr;

const char *libbpfName(int code) {
    switch (code) {
    case LIBBPF_ERRNO__LIBELF:
        return "LIBBPF_LIBELF";
    case LIBBPF_ERRNO__FORMAT:
        return "LIBBPF_FORMAT";
    case LIBBPF_ERRNO__KVERSION:
        return "LIBBPF_KVERSION";
    case LIBBPF_ERRNO__ENDIAN:
        return "LIBBPF_ENDIAN";
    case LIBBPF_ERRNO__INTERNAL:
        return "LIBBPF_INTERNAL";
    case LIBBPF_ERRNO__RELOC:
        return "LIBBPF_RELOC";
    case LIBBPF_ERRNO__LOAD:
        return "LIBBPF_LOAD";
    case LIBBPF_ERRNO__VERIFY:
        return "LIBBPF_VERIFY";
    case LIBBPF_ERRNO__PROG2BIG:
        return "LIBBPF_PROG2BIG";
    case LIBBPF_ERRNO__KVER:
        return "LIBBPF_KVER";
    case LIBBPF_ERRNO__PROGTYPE:
        return "LIBBPF_PROGTYPE";
    default:
        return "LIBBPF_ERROR";
    }
}

std::string nameOf(int code) {
    if (code == kKernelNotSupported)
        return "ENOTSUP";
    if (code >= LIBBPF_ERRNO__LIBELF && code < __LIBBPF_ERRNO__END)
        return libbpfName(code);
    char name[64];
    uv_err_name_r(-code, name, sizeof(name));
    return name[0] == 'E' ? name : "ERRNO_" + std::to_string(code);
}

std::string describe(int code) {
    if (code == kKernelNotSupported)
        return "not supported by this kernel";
    char text[160];
    libbpf_strerror(code, text, sizeof(text));
    return text;
}

int collect(libbpf_print_level level, const char *format, va_list arguments) {
    if (innermost == nullptr || level == LIBBPF_DEBUG)
        return 0;
    va_list measured;
    va_copy(measured, arguments);
    int length = vsnprintf(nullptr, 0, format, measured);
    va_end(measured);
    if (length <= 0)
        return length;
    std::vector<char> words(static_cast<size_t>(length) + 1);
    vsnprintf(words.data(), words.size(), format, arguments);
    innermost->append(words.data(), static_cast<size_t>(length));
    return length;
}

} // namespace

Napi::Error Failure::toError(Napi::Env env) const {
    Napi::Error plain = Napi::Error::New(env, what + ": " + describe(code));
    plain.Set("code", Napi::String::New(env, nameOf(code)));
    plain.Set("errno", Napi::Number::New(env, code));
    plain.Set("log", Napi::String::New(env, log));
    if (done >= 0)
        plain.Set("done", Napi::Number::New(env, static_cast<double>(done)));
    const Environment &environment = Environment::of(env);
    if (environment.errorFactory.IsEmpty())
        return plain;
    try {
        return Napi::Error(env, environment.errorFactory.Call({plain.Value()}));
    } catch (const Napi::Error &thrown) { // the factory's own failure says more than nothing
        return thrown;
    }
}

Napi::Value setErrorFactory(const Napi::CallbackInfo &info) {
    Environment::of(info.Env()).errorFactory = Napi::Persistent(readFunction(info[0], "factory"));
    return info.Env().Undefined();
}

LogCapture::LogCapture() : outer_(innermost) {
    static std::once_flag installed;
    std::call_once(installed, [] { libbpf_set_print(collect); });
    innermost = this;
}

LogCapture::~LogCapture() {
    innermost = outer_;
}

int LogCapture::check(int result, const std::string &attempt) const {
    if (result < 0)
        throw Failure(result, attempt, text_);
    return result;
}

} // namespace ringwall
