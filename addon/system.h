// A few system calls that Node lacks.
#ifndef RINGWALL_SYSTEM_H
#define RINGWALL_SYSTEM_H

#include "node-api.h"

namespace ringwall {

Napi::Value peerCredentials(const Napi::CallbackInfo &info);
Napi::Value lockFile(const Napi::CallbackInfo &info);
Napi::Value mountBpffs(const Napi::CallbackInfo &info);
Napi::Value notify(const Napi::CallbackInfo &info);
Napi::Value taiOffset(const Napi::CallbackInfo &info);
Napi::Value possibleCpus(const Napi::CallbackInfo &info);
Napi::Value libbpfVersion(const Napi::CallbackInfo &info);

} // namespace ringwall

#endif
