// What require() gives: index.d.ts is its description.
#include "node-api.h"

#include <malloc.h>

#include "link.h"
#include "map.h"
#include "monitor.h"
#include "netlink.h"
#include "object.h"
#include "ports.h"
#include "program.h"
#include "ring.h"
#include "system.h"
#include "tc.h"

namespace ringwall {

namespace {

/**
 * What is larger is given back to the kernel as soon as it is freed: glibc's own threshold, but one that
 * stays. Else it rises with each large buffer that is freed, and what maps were read into stays resident,
 * once for each thread.
 */
constexpr int kGivenBack = 128 * 1024;

void defineClasses(Napi::Env env, Napi::Object exports) {
    auto *environment = new Environment();
    env.SetInstanceData(environment); // Node deletes it with the environment
    environment->map = Napi::Persistent(BpfMap::define(env));
    environment->program = Napi::Persistent(BpfProgram::define(env));
    environment->link = Napi::Persistent(BpfLink::define(env));
    environment->object = Napi::Persistent(BpfObject::define(env));
    exports.Set("BpfMap", environment->map.Value());
    exports.Set("BpfProgram", environment->program.Value());
    exports.Set("BpfLink", environment->link.Value());
    exports.Set("BpfObject", environment->object.Value());
    exports.Set("RingBuffer", RingBuffer::define(env));
    exports.Set("LinkMonitor", LinkMonitor::define(env));
}

template <Napi::Value (*F)(const Napi::CallbackInfo &)>
void defineFunction(Napi::Env env, Napi::Object exports, const char *name) {
    exports.Set(name, Napi::Function::New<&guarded<F>>(env, name));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
    mallopt(M_MMAP_THRESHOLD, kGivenBack);
    defineClasses(env, exports);
    defineFunction<listLinks>(env, exports, "listLinks");
    defineFunction<setLinkUp>(env, exports, "setLinkUp");
    defineFunction<listAddresses>(env, exports, "listAddresses");
    defineFunction<listPorts>(env, exports, "listPorts");
    defineFunction<listXdpTargets>(env, exports, "listXdpTargets");
    defineFunction<listQdiscs>(env, exports, "listQdiscs");
    defineFunction<listFilters>(env, exports, "listFilters");
    defineFunction<stripsVlanTags>(env, exports, "stripsVlanTags");
    defineFunction<detachTc>(env, exports, "detachTc");
    defineFunction<queryTc>(env, exports, "queryTc");
    defineFunction<hasTcx>(env, exports, "hasTcx");
    defineFunction<queryTcx>(env, exports, "queryTcx");
    defineFunction<queryXdp>(env, exports, "queryXdp");
    defineFunction<peerCredentials>(env, exports, "peerCredentials");
    defineFunction<lockFile>(env, exports, "lockFile");
    defineFunction<mountBpffs>(env, exports, "mountBpffs");
    defineFunction<notify>(env, exports, "notify");
    defineFunction<taiOffset>(env, exports, "taiOffset");
    defineFunction<possibleCpus>(env, exports, "possibleCpus");
    defineFunction<setErrorFactory>(env, exports, "setErrorFactory");
    defineFunction<libbpfVersion>(env, exports, "libbpfVersion");
    return exports;
}

} // namespace

NODE_API_MODULE(ringwall, initialize)

} // namespace ringwall
