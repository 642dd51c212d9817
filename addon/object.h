// BpfObject: an object file, opened, set up and loaded by libbpf.
#ifndef RINGWALL_OBJECT_H
#define RINGWALL_OBJECT_H

#include <bpf/libbpf.h>

#include <memory>

#include "wrapped.h"

namespace ringwall {

class BpfObject : public Wrapped<BpfObject> {
  public:
    struct Closer {
        void operator()(bpf_object *object) const {
            bpf_object__close(object);
        }
    };
    using Handle = std::unique_ptr<bpf_object, Closer>;

    static constexpr napi_type_tag tag = {0x52696e6777616c6c, 0x0000000000000004};
    static constexpr const char *name = "BpfObject";

    static Napi::Function define(Napi::Env env);

    explicit BpfObject(const Napi::CallbackInfo &info);

    static Napi::Value load(const Napi::CallbackInfo &info);
    static Napi::Value loadAsync(const Napi::CallbackInfo &info);

    Napi::Value mapNames(const Napi::CallbackInfo &info);
    Napi::Value programNames(const Napi::CallbackInfo &info);
    Napi::Value map(const Napi::CallbackInfo &info);
    Napi::Value program(const Napi::CallbackInfo &info);
    Napi::Value close(const Napi::CallbackInfo &info);

  private:
    bpf_object *open() const;

    Handle object_;
};

} // namespace ringwall

#endif
