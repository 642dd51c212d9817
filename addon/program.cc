#include "program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "link.h"
#include "map.h"
#include "tc.h"
#include "testrun.h"
#include "worker.h"

namespace ringwall {

namespace {

/** BPF_F_BEFORE, which older headers do not have. */
constexpr uint32_t kBefore = 1U << 3;

// Room for what a program may put before or behind a packet (XDP_PACKET_HEADROOM, twice).
constexpr size_t kGrowth = 512;

uint32_t readIfindex(const Napi::Object &options) {
    Napi::Value value = options.Get("ifindex");
    return value.IsUndefined() ? 1 : readUint32(value, "ifindex");
}

uint32_t readRepeat(const Napi::Value &value) {
    uint32_t repeat = readUint32(value, "repeat");
    if (repeat == 0 || repeat > INT_MAX)
        throw Failure(EINVAL, "repeat must be from 1 to 2147483647");
    return repeat;
}

/** An array map of one element, read or set around each run; no map where none is given. */
struct Side {
    std::shared_ptr<Fd> map;
    uint32_t size = 0;

    static Side of(const Napi::Value &value, const char *name) {
        if (value.IsUndefined())
            return Side{};
        BpfMap &map = BpfMap::from(value);
        const MapShape &shape = map.shape();
        if (shape.type != BPF_MAP_TYPE_ARRAY || shape.keySize != sizeof(uint32_t))
            throw Failure(EINVAL, std::string(name) + " must be an array map");
        return Side{map.share(), shape.slotSize};
    }
};

/** One batch of runs: everything that is the same for each packet. */
struct ManyRuns {
    Side trace;
    Side clock;
    Napi::Array packets;
    Napi::Array clocks;

    static ManyRuns read(const Napi::Object &options) {
        ManyRuns runs;
        runs.trace = Side::of(options.Get("trace"), "trace");
        runs.clock = Side::of(options.Get("clock"), "clock");
        if (!options.Get("packets").IsArray())
            throw Failure(EINVAL, "packets must be an array of Uint8Array");
        runs.packets = options.Get("packets").As<Napi::Array>();
        if (!runs.clock.map)
            return runs;
        if (!options.Get("clocks").IsArray())
            throw Failure(EINVAL, "clocks must be an array of Uint8Array where clock is given");
        runs.clocks = options.Get("clocks").As<Napi::Array>();
        if (runs.clocks.Length() != runs.packets.Length())
            throw Failure(EINVAL, "clocks must be as many as packets");
        return runs;
    }

    /** Runs packet `i`; its trace goes to `traceOut`. */
    int32_t runOne(uint32_t i, int program, TestRun &run, uint8_t *traceOut) const {
        const uint32_t first = 0;
        Napi::HandleScope scope(packets.Env()); // a handle a packet would pile up until the call returns
        if (clock.map) {
            Bytes now = readBytes(clocks.Get(i), "clocks", clock.size);
            if (bpf_map_update_elem(clock.map->get(), &first, now.data, BPF_ANY) < 0)
                throw Failure::fromErrno("cannot set the clock of packet " + std::to_string(i));
        }
        Bytes packet = readBytes(packets.Get(i), "packets");
        run.setData(packet.data, static_cast<uint32_t>(packet.size));
        if (int error = run.run(program))
            throw Failure(error, "cannot run packet " + std::to_string(i) + " of " +
                                     std::to_string(packet.size) + " bytes");
        if (trace.map && bpf_map_lookup_elem(trace.map->get(), &first, traceOut) < 0)
            throw Failure::fromErrno("cannot read the trace of packet " + std::to_string(i));
        return run.result();
    }
};

/** Throws Failure, also with the errno that the program answers. */
void callProgram(int program, void *context, uint32_t size) {
    LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = context, .ctx_size_in = size);
    if (bpf_prog_test_run_opts(program, &run) < 0)
        throw Failure::fromErrno("cannot call a program");
    if (run.retval != 0)
        throw Failure(static_cast<int>(run.retval), "a program that was called failed");
}

Napi::Value linkTo(Napi::Env env, int program, uint32_t ifindex, bpf_attach_type hook, uint32_t flags) {
    LIBBPF_OPTS(bpf_link_create_opts, create, .flags = flags);
    LogCapture log;
    Fd fd(bpf_link_create(program, static_cast<int>(ifindex), hook, &create));
    log.check(fd.get() < 0 ? -errno : 0,
              "cannot attach to the device with ifindex " + std::to_string(ifindex));
    return BpfLink::make(env, std::move(fd));
}

} // namespace

BpfProgram::BpfProgram(const Napi::CallbackInfo &info) : FdWrapped<BpfProgram>(info) {
    guard(info.Env(), [&] { describe(info.This().As<Napi::Object>()); });
}

void BpfProgram::describe(Napi::Object self) {
    bpf_prog_info info = {};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd(), &info, &size) < 0)
        throw Failure::fromErrno("cannot read what a program is");
    type_ = info.type;
    std::string digits;
    for (uint8_t byte : info.tag) {
        static constexpr char hex[] = "0123456789abcdef";
        digits += hex[byte >> 4];
        digits += hex[byte & 15];
    }
    Napi::Env env = self.Env();
    auto define = [&](const char *key, Napi::Value value) {
        self.DefineProperty(Napi::PropertyDescriptor::Value(key, value, napi_enumerable));
    };
    define("id", Napi::Number::New(env, info.id));
    define("name", Napi::String::New(env, info.name));
    define("type", Napi::Number::New(env, info.type));
    define("tag", Napi::String::New(env, digits));
    define("verifiedInstructions", Napi::Number::New(env, info.verified_insns));
    define("jitedSize", Napi::Number::New(env, info.jited_prog_len));
}

Napi::Function BpfProgram::define(Napi::Env env) {
    return DefineClass(
        env, name,
        {StaticMethod<&guarded<openPinned>>("openPinned"), method<&BpfProgram::pin>("pin"),
         method<&BpfProgram::testRun>("testRun"), method<&BpfProgram::testRunMany>("testRunMany"),
         method<&BpfProgram::liveFrames>("liveFrames"), method<&BpfProgram::call>("call"),
         method<&BpfProgram::callEachAsync>("callEachAsync"), method<&BpfProgram::attachXdp>("attachXdp"),
         method<&BpfProgram::attachTcx>("attachTcx"), method<&BpfProgram::attachTc>("attachTc"),
         method<&BpfProgram::close>("close")});
}

Napi::Value BpfProgram::openPinned(const Napi::CallbackInfo &info) {
    return make(info.Env(), openPin(readString(info[0], "path"), Kind::Program));
}

Napi::Value BpfProgram::testRun(const Napi::CallbackInfo &info) {
    std::shared_ptr<Fd> program = share();
    Napi::Object options = readObject(info[0], "options");
    TestRun run(type_, readIfindex(options));
    Napi::Value repeat = options.Get("repeat");
    if (!repeat.IsUndefined())
        run.setRepeat(readRepeat(repeat));
    // Last: a getter among the options could take the bytes away.
    Bytes data = readBytes(options.Get("data"), "data");
    std::vector<uint8_t> output(data.size + kGrowth);
    run.setData(data.data, static_cast<uint32_t>(data.size));
    run.setOutput(output.data(), static_cast<uint32_t>(output.size()));
    if (int error = run.run(program->get()))
        throw Failure(error, "cannot run a packet of " + std::to_string(data.size) + " bytes");
    Napi::Env env = info.Env();
    Napi::Object result = Napi::Object::New(env);
    result.Set("retval", Napi::Number::New(env, run.result()));
    result.Set("duration", Napi::Number::New(env, run.duration()));
    result.Set("data", toBytes(env, output.data(), std::min<size_t>(run.outputSize(), output.size())));
    return result;
}

Napi::Value BpfProgram::testRunMany(const Napi::CallbackInfo &info) {
    std::shared_ptr<Fd> program = share();
    Napi::Object options = readObject(info[0], "options");
    ManyRuns runs = ManyRuns::read(options);
    TestRun run(type_, readIfindex(options));
    Napi::Env env = info.Env();
    uint32_t count = runs.packets.Length();
    Napi::Int32Array retvals = Napi::Int32Array::New(env, count);
    size_t traceBytes = size_t{count} * runs.trace.size;
    Napi::ArrayBuffer traces = Napi::ArrayBuffer::New(env, traceBytes);
    auto *traceOut = static_cast<uint8_t *>(traces.Data());
    for (uint32_t i = 0; i < count; i++)
        retvals[i] = runs.runOne(i, program->get(), run, traceOut + size_t{i} * runs.trace.size);
    Napi::Object result = Napi::Object::New(env);
    result.Set("retvals", retvals);
    result.Set("traces", Napi::Uint8Array::New(env, traceBytes, traces, 0));
    return result;
}

Napi::Value BpfProgram::liveFrames(const Napi::CallbackInfo &info) {
    std::shared_ptr<Fd> program = share();
    Napi::Object options = readObject(info[0], "options");
    if (type_ != BPF_PROG_TYPE_XDP)
        throw Failure(EINVAL, "live frames need an XDP program");
    Bytes data = readBytes(options.Get("data"), "data");
    std::vector<uint8_t> frame(data.data, data.data + data.size);
    uint32_t repeat = readRepeat(options.Get("repeat"));
    uint32_t ifindex = readUint32(options.Get("ifindex"), "ifindex");
    uint32_t batch = options.Get("batch").IsUndefined() ? 0 : readUint32(options.Get("batch"), "batch");
    return Worker<bool>::start(
        info.Env(), "ringwall.liveFrames",
        [program, frame = std::move(frame), repeat, ifindex, batch] {
            TestRun run(BPF_PROG_TYPE_XDP, ifindex);
            run.setData(frame.data(), static_cast<uint32_t>(frame.size()));
            run.setRepeat(repeat);
            run.setLive(batch);
            if (int error = run.run(program->get()))
                throw Failure(error, "cannot send live frames into the device with ifindex " +
                                         std::to_string(ifindex));
            return true;
        },
        [](Napi::Env env, const bool &) { return env.Undefined(); });
}

Napi::Value BpfProgram::call(const Napi::CallbackInfo &info) {
    int program = fd();
    if (type_ != BPF_PROG_TYPE_SYSCALL)
        throw Failure(EINVAL, "only a program of SEC(\"syscall\") is called");
    Bytes given = readBytes(info[0], "context");
    std::vector<uint8_t> context(given.data, given.data + given.size);
    callProgram(program, context.data(), static_cast<uint32_t>(context.size()));
    return toBytes(info.Env(), context.data(), context.size());
}

Napi::Value BpfProgram::callEachAsync(const Napi::CallbackInfo &info) {
    uint32_t size = readUint32(info[1], "size");
    Bytes contexts = readBytes(info[0], "contexts");
    if (type_ != BPF_PROG_TYPE_SYSCALL)
        throw Failure(EINVAL, "only a program of SEC(\"syscall\") is called");
    if (size == 0 || contexts.size % size != 0)
        throw Failure(EINVAL, "contexts must be of " + std::to_string(size) + " bytes each");
    using Contexts = std::vector<uint8_t>;
    return Worker<Contexts>::start(
        info.Env(), "ringwall.call",
        [program = share(), held = BpfMap::readMany(info[2], "held"), size,
         answers = Contexts(contexts.data, contexts.data + contexts.size)]() mutable {
            for (size_t at = 0; at < answers.size(); at += size)
                callProgram(program->get(), answers.data() + at, size);
            return std::move(answers);
        },
        [](Napi::Env env, const Contexts &answers) -> Napi::Value {
            return toBytes(env, answers.data(), answers.size());
        });
}

Napi::Value BpfProgram::attachXdp(const Napi::CallbackInfo &info) {
    int program = fd();
    Napi::Object options = readObject(info[0], "options");
    std::string mode = readString(options.Get("mode"), "mode");
    if (mode != "native" && mode != "generic")
        throw Failure(EINVAL, "mode must be native or generic, not " + mode);
    return linkTo(info.Env(), program, readUint32(options.Get("ifindex"), "ifindex"), BPF_XDP,
                  mode == "native" ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
}

Napi::Value BpfProgram::attachTcx(const Napi::CallbackInfo &info) {
    int program = fd();
    Napi::Object options = readObject(info[0], "options");
    Napi::Value first = options.Get("first");
    bool before = !first.IsUndefined() && readBoolean(first, "first");
    return linkTo(info.Env(), program, readUint32(options.Get("ifindex"), "ifindex"), readTcxHook(options),
                  before ? kBefore : 0);
}

Napi::Value BpfProgram::attachTc(const Napi::CallbackInfo &info) {
    int program = fd();
    TcFilter::read(info[0]).attach(program);
    return info.Env().Undefined();
}

} // namespace ringwall
