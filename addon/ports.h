// What stands between a device and its bridge.
#ifndef RINGWALL_PORTS_H
#define RINGWALL_PORTS_H

#include "node-api.h"

namespace ringwall {

Napi::Value listPorts(const Napi::CallbackInfo &info);
Napi::Value listXdpTargets(const Napi::CallbackInfo &info);
Napi::Value listQdiscs(const Napi::CallbackInfo &info);
Napi::Value listFilters(const Napi::CallbackInfo &info);
Napi::Value stripsVlanTags(const Napi::CallbackInfo &info);

} // namespace ringwall

#endif
