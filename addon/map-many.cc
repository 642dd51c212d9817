// BpfMap: many entries in one call.
#include <linux/bpf.h>

#include "entries.h"
#include "map.h"
#include "worker.h"

namespace ringwall {

namespace {

Napi::Value toEntries(Napi::Env env, const Entries &entries) {
    Napi::Object result = Napi::Object::New(env);
    result.Set("count", Napi::Number::New(env, static_cast<double>(entries.count)));
    result.Set("keys", toBytes(env, entries.keys.data(), entries.keys.size()));
    result.Set("values", toBytes(env, entries.values.data(), entries.values.size()));
    return result;
}

} // namespace

Napi::Value BpfMap::entries(const Napi::CallbackInfo &info) {
    return toEntries(info.Env(), readEntries(fd(), shape_));
}

Napi::Value BpfMap::entriesAsync(const Napi::CallbackInfo &info) {
    return Worker<Entries>::start(
        info.Env(), "ringwall.entries",
        [map = share(), shape = shape_] { return readEntries(map->get(), shape); }, toEntries);
}

Napi::Value BpfMap::countAsync(const Napi::CallbackInfo &info) {
    return Worker<size_t>::start(
        info.Env(), "ringwall.count",
        [map = share(), shape = shape_] { return countEntries(map->get(), shape); },
        [](Napi::Env env, const size_t &count) -> Napi::Value {
            return Napi::Number::New(env, static_cast<double>(count));
        });
}

Napi::Value BpfMap::getRun(const Napi::CallbackInfo &info) {
    int map = fd();
    if (shape_.type != BPF_MAP_TYPE_ARRAY && shape_.type != BPF_MAP_TYPE_PERCPU_ARRAY)
        throw Failure(EINVAL, shape_.name + " is not an array");
    std::vector<uint8_t> values =
        readRun(map, shape_, readUint32(info[0], "first"), readUint32(info[1], "count"));
    return toBytes(info.Env(), values.data(), values.size());
}

Napi::Value BpfMap::setRun(const Napi::CallbackInfo &info) {
    int map = fd();
    if (shape_.type != BPF_MAP_TYPE_ARRAY)
        throw Failure(EINVAL, shape_.name + " is not an array");
    Bytes values = readBytes(info[1], "values");
    if (values.size % shape_.valueSize != 0)
        throw Failure(EINVAL, "values must be of " + std::to_string(shape_.valueSize) + " bytes each");
    writeRun(map, shape_, readUint32(info[0], "first"), values.data,
             static_cast<uint32_t>(values.size / shape_.valueSize));
    return info.Env().Undefined();
}

Napi::Value BpfMap::getBatch(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    int map = fd();
    uint32_t count = readUint32(info[1], "count");
    Bytes keys = readBytes(info[0], "keys", size_t{count} * shape_.keySize);
    if (shape_.holdsMaps())
        throw Failure(EINVAL, shape_.name + " is a map of maps: use getInner");
    Found read = readKeys(map, shape_, keys.data, count);
    Napi::Object result = Napi::Object::New(env);
    result.Set("values", toBytes(env, read.values.data(), read.values.size()));
    result.Set("found", toBytes(env, read.found.data(), read.found.size()));
    return result;
}

Napi::Value BpfMap::setBatch(const Napi::CallbackInfo &info) {
    int map = fd();
    uint32_t count = readUint32(info[2], "count");
    Bytes keys = readBytes(info[0], "keys", size_t{count} * shape_.keySize);
    Bytes values = readBytes(info[1], "values", size_t{count} * shape_.slotSize);
    if (shape_.holdsMaps())
        throw Failure(EINVAL, shape_.name + " is a map of maps: use setInner");
    writeEntries(map, shape_, keys.data, values.data, count);
    return info.Env().Undefined();
}

Napi::Value BpfMap::deleteBatch(const Napi::CallbackInfo &info) {
    int map = fd();
    uint32_t count = readUint32(info[1], "count");
    Bytes keys = readBytes(info[0], "keys", size_t{count} * shape_.keySize);
    return Napi::Number::New(info.Env(), deleteEntries(map, shape_, keys.data, count));
}

} // namespace ringwall
