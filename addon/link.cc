#include "link.h"

#include <bpf/bpf.h>

#include "pins.h"
#include "program.h"

namespace ringwall {

namespace {

// BPF_LINK_TYPE_TCX of Linux 6.6, which older headers lack. Its ifindex stands where XDP's does.
constexpr uint32_t kLinkTypeTcx = 11;

bpf_link_info readInfo(int link) {
    bpf_link_info info = {};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(link, &info, &size) < 0)
        throw Failure::fromErrno("cannot read what a link is");
    return info;
}

Napi::Object describe(Napi::Env env, const bpf_link_info &info) {
    bool onDevice = info.type == BPF_LINK_TYPE_XDP || info.type == kLinkTypeTcx;
    Napi::Object result = Napi::Object::New(env);
    result.Set("id", Napi::Number::New(env, info.id));
    result.Set("type", Napi::Number::New(env, info.type));
    result.Set("programId", Napi::Number::New(env, info.prog_id));
    result.Set("ifindex", Napi::Number::New(env, onDevice ? info.xdp.ifindex : 0));
    return result;
}

} // namespace

Napi::Function BpfLink::define(Napi::Env env) {
    return DefineClass(env, name,
                       {StaticMethod<&guarded<openPinned>>("openPinned"),
                        StaticMethod<&guarded<openPinnedAsync>>("openPinnedAsync"),
                        method<&BpfLink::info>("info"), method<&BpfLink::pin>("pin"),
                        method<&BpfLink::update>("update"), method<&BpfLink::detach>("detach"),
                        method<&BpfLink::close>("close")});
}

Napi::Value BpfLink::openPinned(const Napi::CallbackInfo &info) {
    return make(info.Env(), openPin(readString(info[0], "path"), Kind::Link));
}

Napi::Value BpfLink::openPinnedAsync(const Napi::CallbackInfo &info) {
    return openPins(info.Env(), readStrings(info[0], "paths"), Kind::Link, readInfo,
                    [](Napi::Env env, Fd fd, const bpf_link_info &learnt) -> Napi::Value {
                        Napi::Object entry = Napi::Object::New(env);
                        entry.Set("link", make(env, std::move(fd)));
                        entry.Set("info", describe(env, learnt));
                        return entry;
                    });
}

Napi::Value BpfLink::info(const Napi::CallbackInfo &callback) {
    return describe(callback.Env(), readInfo(fd()));
}

Napi::Value BpfLink::update(const Napi::CallbackInfo &info) {
    if (bpf_link_update(fd(), BpfProgram::from(info[0]).fd(), nullptr) < 0)
        throw Failure::fromErrno("cannot replace the program of a link");
    return info.Env().Undefined();
}

Napi::Value BpfLink::detach(const Napi::CallbackInfo &info) {
    if (bpf_link_detach(fd()) < 0)
        throw Failure::fromErrno("cannot detach a link");
    return info.Env().Undefined();
}

} // namespace ringwall
