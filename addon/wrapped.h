// What the classes that JavaScript sees have in common.
#ifndef RINGWALL_WRAPPED_H
#define RINGWALL_WRAPPED_H

#include "node-api.h"

#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "environment.h"
#include "error.h"
#include "handle.h"

namespace ringwall {

/** The kind of BPF object that a file descriptor is, as the kernel names it in /proc/self/fd. */
enum class Kind { Map, Program, Link };

/** Opens a pin. Throws Failure: ENOENT, EPERM, EINVAL where something of another kind is pinned there. */
Fd openPin(const std::string &path, Kind kind);

/** Pins a descriptor. Throws Failure: EEXIST, ENOENT, EPERM, EINVAL outside a bpffs. */
void pinFd(int fd, const std::string &path);

/**
 * Base of the handles: type tag (a method never sees an object of another class), guarded methods, and
 * construction by the addon only. `T` has `static constexpr napi_type_tag tag` and `static constexpr const
 * char *name`.
 */
template <class T> class Wrapped : public Napi::ObjectWrap<T> {
  public:
    using Method = Napi::Value (T::*)(const Napi::CallbackInfo &);

    explicit Wrapped(const Napi::CallbackInfo &info) : Napi::ObjectWrap<T>(info) {
        info.This().template As<Napi::Object>().TypeTag(&T::tag);
    }

    /** The C++ object behind a JavaScript one. Throws Failure (EINVAL) for anything else. */
    static T &from(const Napi::Value &value) {
        if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&T::tag))
            throw Failure(EINVAL, std::string("the argument must be a ") + T::name);
        return *Napi::ObjectWrap<T>::Unwrap(value.As<Napi::Object>());
    }

  protected:
    template <auto M> Napi::Value call(const Napi::CallbackInfo &info) {
        return guard(info.Env(), [&] { return (static_cast<T *>(this)->*M)(info); });
    }

    template <auto M> static Napi::ClassPropertyDescriptor<T> method(const char *name) {
        return Napi::ObjectWrap<T>::InstanceMethod(name, static_cast<Method>(&Wrapped::template call<M>));
    }

    template <auto M> static Napi::ClassPropertyDescriptor<T> getter(const char *name) {
        return Napi::ObjectWrap<T>::InstanceAccessor(name, static_cast<Method>(&Wrapped::template call<M>),
                                                     nullptr);
    }
};

/** A Wrapped over one shared descriptor; a worker that holds a share outlives close(). */
template <class T> class FdWrapped : public Wrapped<T> {
  public:
    explicit FdWrapped(const Napi::CallbackInfo &info) : Wrapped<T>(info) {
        // Only make() below has an External; `new` from JavaScript is refused.
        if (info.Length() != 1 || !info[0].IsExternal())
            throw Napi::TypeError::New(info.Env(), std::string(T::name) + " has no public constructor");
        fd_ = std::make_shared<Fd>(std::move(*info[0].As<Napi::External<Fd>>().Data()));
    }

    /** Wraps a descriptor into a new JavaScript object. */
    static Napi::Object make(Napi::Env env, Fd fd) {
        return T::constructor(env).New({Napi::External<Fd>::New(env, &fd)});
    }

    /** The descriptor. Throws Failure (EBADF) after close(). */
    int fd() const {
        return share()->get();
    }

    std::shared_ptr<Fd> share() const {
        if (!fd_)
            throw Failure(EBADF, std::string(T::name) + " is closed");
        return fd_;
    }

    Napi::Value pin(const Napi::CallbackInfo &info) {
        pinFd(fd(), readString(info[0], "path"));
        return info.Env().Undefined();
    }

    Napi::Value close(const Napi::CallbackInfo &info) {
        fd_.reset();
        return info.Env().Undefined();
    }

  private:
    std::shared_ptr<Fd> fd_;
};

} // namespace ringwall

#endif
