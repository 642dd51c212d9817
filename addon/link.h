// BpfLink: a program at a device, held by a descriptor or a pin.
#ifndef RINGWALL_LINK_H
#define RINGWALL_LINK_H

#include "wrapped.h"

namespace ringwall {

class BpfLink : public FdWrapped<BpfLink> {
  public:
    static constexpr napi_type_tag tag = {0x52696e6777616c6c, 0x0000000000000003};
    static constexpr const char *name = "BpfLink";

    static Napi::Function define(Napi::Env env);
    static Napi::Function constructor(Napi::Env env) {
        return Environment::of(env).link.Value();
    }

    explicit BpfLink(const Napi::CallbackInfo &info) : FdWrapped<BpfLink>(info) {}

    static Napi::Value openPinned(const Napi::CallbackInfo &info);
    static Napi::Value openPinnedAsync(const Napi::CallbackInfo &info);

    Napi::Value info(const Napi::CallbackInfo &info);
    Napi::Value update(const Napi::CallbackInfo &info);
    Napi::Value detach(const Napi::CallbackInfo &info);
};

} // namespace ringwall

#endif
