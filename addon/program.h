// BpfProgram: one loaded program.
#ifndef RINGWALL_PROGRAM_H
#define RINGWALL_PROGRAM_H

#include "wrapped.h"

namespace ringwall {

class BpfProgram : public FdWrapped<BpfProgram> {
  public:
    static constexpr napi_type_tag tag = {0x52696e6777616c6c, 0x0000000000000002};
    static constexpr const char *name = "BpfProgram";

    static Napi::Function define(Napi::Env env);
    static Napi::Function constructor(Napi::Env env) {
        return Environment::of(env).program.Value();
    }

    explicit BpfProgram(const Napi::CallbackInfo &info);

    static Napi::Value openPinned(const Napi::CallbackInfo &info);

    Napi::Value testRun(const Napi::CallbackInfo &info);
    Napi::Value testRunMany(const Napi::CallbackInfo &info);
    Napi::Value liveFrames(const Napi::CallbackInfo &info);
    Napi::Value call(const Napi::CallbackInfo &info);
    Napi::Value callEachAsync(const Napi::CallbackInfo &info);
    Napi::Value attachXdp(const Napi::CallbackInfo &info);
    Napi::Value attachTcx(const Napi::CallbackInfo &info);
    Napi::Value attachTc(const Napi::CallbackInfo &info);

  private:
    /** Sets the read-only properties from the kernel's words. */
    void describe(Napi::Object self);

    uint32_t type_ = 0;
};

} // namespace ringwall

#endif
