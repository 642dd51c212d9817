#include "tc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_sched.h>

#include <climits>
#include <string>
#include <vector>

#include "arguments.h"
#include "error.h"

namespace ringwall {

namespace {

// enum bpf_attach_type of Linux 6.6, which older headers lack.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
/** BPF_MPROG_MAX: no hook has more. */
constexpr uint32_t kProgramsAtHook = 64;

bool readIngress(const Napi::Object &options) {
    std::string direction = readString(options.Get("direction"), "direction");
    if (direction != "ingress" && direction != "egress")
        throw Failure(EINVAL, "direction must be ingress or egress, not " + direction);
    return direction == "ingress";
}

bpf_tc_hook hookAt(int ifindex, bool ingress) {
    bpf_tc_hook hook = {};
    hook.sz = sizeof(hook);
    hook.ifindex = ifindex;
    hook.attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
    return hook;
}

bpf_tc_opts filterAt(uint32_t handle, uint32_t priority) {
    bpf_tc_opts options = {};
    options.sz = sizeof(options);
    options.handle = handle;
    options.priority = priority;
    return options;
}

/** The kernel's answers for "no such filter": ENOENT, and EINVAL where there is no clsact at all. */
bool isAbsent(int error) {
    return error == ENOENT || error == EINVAL;
}

/** A question that only a kernel without tcx answers with -EINVAL: every namespace has a loopback device. */
int askLoopback() {
    constexpr int loopback = 1;
    LIBBPF_OPTS(bpf_prog_query_opts, query);
    return bpf_prog_query_opts(loopback, kTcxIngress, &query);
}

} // namespace

bpf_attach_type readTcxHook(const Napi::Object &options) {
    return readIngress(options) ? kTcxIngress : kTcxEgress;
}

uint32_t readTcParent(const Napi::Object &options) {
    return TC_H_MAKE(TC_H_CLSACT, readIngress(options) ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

TcFilter TcFilter::read(const Napi::Value &value) {
    Napi::Object options = readObject(value, "options");
    TcFilter filter;
    uint32_t ifindex = readUint32(options.Get("ifindex"), "ifindex");
    if (ifindex == 0 || ifindex > INT_MAX)
        throw Failure(ENODEV, "there is no device with ifindex " + std::to_string(ifindex));
    filter.ifindex_ = static_cast<int>(ifindex);
    filter.ingress_ = readIngress(options);
    filter.handle_ = readUint32(options.Get("handle"), "handle");
    filter.priority_ = readUint32(options.Get("priority"), "priority");
    if (filter.handle_ == 0 || filter.priority_ == 0 || filter.priority_ > UINT16_MAX)
        throw Failure(EINVAL, "handle must be at least 1 and priority from 1 to 65535");
    return filter;
}

void TcFilter::attach(int program) const {
    LogCapture log;
    std::string where = "to the device with ifindex " + std::to_string(ifindex_);
    bpf_tc_hook hook = hookAt(ifindex_, ingress_);
    int made = bpf_tc_hook_create(&hook);
    if (made != -EEXIST)
        log.check(made, "cannot add clsact " + where);
    bpf_tc_opts options = filterAt(handle_, priority_);
    options.prog_fd = program;
    options.flags = BPF_TC_F_REPLACE;
    log.check(bpf_tc_attach(&hook, &options), "cannot attach a tc filter " + where);
}

bool TcFilter::detach() const {
    LogCapture log;
    bpf_tc_hook hook = hookAt(ifindex_, ingress_);
    bpf_tc_opts options = filterAt(handle_, priority_);
    int result = bpf_tc_detach(&hook, &options);
    if (isAbsent(-result))
        return false;
    log.check(result, "cannot detach the tc filter of the device with ifindex " + std::to_string(ifindex_));
    return true;
}

uint32_t TcFilter::query() const {
    LogCapture log;
    bpf_tc_hook hook = hookAt(ifindex_, ingress_);
    bpf_tc_opts options = filterAt(handle_, priority_);
    int result = bpf_tc_query(&hook, &options);
    if (isAbsent(-result))
        return 0;
    log.check(result, "cannot query the tc filter of the device with ifindex " + std::to_string(ifindex_));
    return options.prog_id;
}

Napi::Value detachTc(const Napi::CallbackInfo &info) {
    return Napi::Boolean::New(info.Env(), TcFilter::read(info[0]).detach());
}

Napi::Value queryTc(const Napi::CallbackInfo &info) {
    return Napi::Number::New(info.Env(), TcFilter::read(info[0]).query());
}

Napi::Value hasTcx(const Napi::CallbackInfo &info) {
    LogCapture log;
    int result = askLoopback();
    if (result != -EINVAL && result != -ENOENT)
        log.check(result, "cannot ask whether the kernel has tcx");
    return Napi::Boolean::New(info.Env(), result != -EINVAL);
}

Napi::Value queryTcx(const Napi::CallbackInfo &info) {
    Napi::Object options = readObject(info[0], "options");
    uint32_t ifindex = readUint32(options.Get("ifindex"), "ifindex");
    std::vector<uint32_t> ids(kProgramsAtHook);
    LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids.data(), .prog_cnt = kProgramsAtHook);
    LogCapture log;
    int result = bpf_prog_query_opts(static_cast<int>(ifindex), readTcxHook(options), &query);
    // A device without any has nothing to query (ENOENT); an older kernel knows no such hook (EINVAL). What
    // stands there must not be taken for gone because the question failed.
    if (result != -ENOENT && !(result == -EINVAL && askLoopback() == -EINVAL))
        log.check(result, "cannot query the programs at the device with ifindex " + std::to_string(ifindex));
    ids.resize(result == 0 ? query.prog_cnt : 0);
    Napi::Array found = Napi::Array::New(info.Env(), ids.size());
    for (uint32_t n = 0; n < ids.size(); n++)
        found.Set(n, Napi::Number::New(info.Env(), ids[n]));
    return found;
}

} // namespace ringwall
