// clsact filters: programs at a device's tc hooks where the kernel has no tcx links.
#ifndef RINGWALL_TC_H
#define RINGWALL_TC_H

#include "node-api.h"

#include <bpf/bpf.h>

#include <cstdint>

namespace ringwall {

/** The place of one filter. */
class TcFilter {
  public:
    /** Reads {ifindex, direction, handle, priority}. Throws Failure (EINVAL). */
    static TcFilter read(const Napi::Value &options);

    /** Puts a program there, replacing the one of this handle and priority; makes the clsact qdisc. */
    void attach(int program) const;
    /** False where no such filter is. Throws Failure (ENODEV, EPERM). */
    bool detach() const;
    /** The id of the program there, or 0. Throws Failure (ENODEV, EPERM). */
    uint32_t query() const;

  private:
    int ifindex_ = 0;
    bool ingress_ = true;
    uint32_t handle_ = 0;
    uint32_t priority_ = 0;
};

/** The tcx hook of {direction}. Throws Failure (EINVAL). */
bpf_attach_type readTcxHook(const Napi::Object &options);
/** What filters at the clsact hook of {direction} name as their parent. Throws Failure (EINVAL). */
uint32_t readTcParent(const Napi::Object &options);

Napi::Value detachTc(const Napi::CallbackInfo &info);
Napi::Value queryTc(const Napi::CallbackInfo &info);
/** Whether the kernel has tcx links. Throws Failure (EPERM). */
Napi::Value hasTcx(const Napi::CallbackInfo &info);
Napi::Value queryTcx(const Napi::CallbackInfo &info);

} // namespace ringwall

#endif
