#include "map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstdio>
#include <fstream>

#include "pins.h"

namespace ringwall {

namespace {

bool isPerCpu(uint32_t type) {
    return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
           type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

/** Bytes of kernel memory (fdinfo's memlock line); 0 where the kernel does not tell. */
uint64_t readMemory(int fd) {
    std::ifstream fdinfo("/proc/self/fdinfo/" + std::to_string(fd));
    std::string line;
    unsigned long long bytes = 0;
    while (std::getline(fdinfo, line)) {
        if (sscanf(line.c_str(), "memlock: %llu", &bytes) == 1)
            break;
    }
    return bytes;
}

} // namespace

MapShape MapShape::of(int fd) {
    bpf_map_info info = {};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
        throw Failure::fromErrno("cannot read the shape of a map");
    MapShape shape;
    shape.id = info.id;
    shape.type = info.type;
    shape.keySize = info.key_size;
    shape.valueSize = info.value_size;
    shape.slotSize = info.value_size;
    shape.maxEntries = info.max_entries;
    shape.flags = info.map_flags;
    shape.name = info.name;
    if (isPerCpu(info.type)) {
        int cpus = libbpf_num_possible_cpus();
        if (cpus < 0)
            throw Failure(cpus, "cannot count the CPUs");
        shape.slotSize = (info.value_size + 7) / 8 * 8 * static_cast<uint32_t>(cpus);
    }
    return shape;
}

bool MapShape::holdsMaps() const {
    return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

BpfMap::BpfMap(const Napi::CallbackInfo &info) : FdWrapped<BpfMap>(info) {
    guard(info.Env(), [&] { shape_ = MapShape::of(fd()); });
}

Napi::Function BpfMap::define(Napi::Env env) {
    return DefineClass(env, name,
                       {StaticMethod<&guarded<openPinned>>("openPinned"),
                        StaticMethod<&guarded<openPinnedAsync>>("openPinnedAsync"),
                        StaticMethod<&guarded<create>>("create"),
                        getter<&BpfMap::info>("info"),
                        getter<&BpfMap::maxEntries>("maxEntries"),
                        method<&BpfMap::get>("get"),
                        method<&BpfMap::set>("set"),
                        method<&BpfMap::remove>("delete"),
                        method<&BpfMap::entries>("entries"),
                        method<&BpfMap::entriesAsync>("entriesAsync"),
                        method<&BpfMap::countAsync>("countAsync"),
                        method<&BpfMap::getRun>("getRun"),
                        method<&BpfMap::setRun>("setRun"),
                        method<&BpfMap::getBatch>("getBatch"),
                        method<&BpfMap::setBatch>("setBatch"),
                        method<&BpfMap::deleteBatch>("deleteBatch"),
                        method<&BpfMap::setInner>("setInner"),
                        method<&BpfMap::setInnerAsync>("setInnerAsync"),
                        method<&BpfMap::setInnersAsync>("setInnersAsync"),
                        method<&BpfMap::getInner>("getInner"),
                        method<&BpfMap::store64>("store64"),
                        method<&BpfMap::swap64>("swap64"),
                        method<&BpfMap::add64>("add64"),
                        method<&BpfMap::and64>("and64"),
                        method<&BpfMap::partsAsync>("partsAsync"),
                        method<&BpfMap::clearGuardsAsync>("clearGuardsAsync"),
                        method<&BpfMap::load64>("load64"),
                        method<&BpfMap::pin>("pin"),
                        method<&BpfMap::close>("close")});
}

Napi::Value BpfMap::openPinned(const Napi::CallbackInfo &info) {
    return make(info.Env(), openPin(readString(info[0], "path"), Kind::Map));
}

Napi::Value BpfMap::openPinnedAsync(const Napi::CallbackInfo &info) {
    return openPins(
        info.Env(), readStrings(info[0], "paths"), Kind::Map, [](int) { return true; },
        [](Napi::Env env, Fd fd, bool) -> Napi::Value { return make(env, std::move(fd)); });
}

Napi::Value BpfMap::create(const Napi::CallbackInfo &info) {
    Napi::Object options = readObject(info[0], "options");
    std::string mapName = readString(options.Get("name"), "name");
    if (mapName.size() >= BPF_OBJ_NAME_LEN)
        throw Failure(EINVAL,
                      "name must be at most 15 characters long, not " + std::to_string(mapName.size()));
    LIBBPF_OPTS(bpf_map_create_opts, create, .map_flags = readUint32(options.Get("flags"), "flags"));
    LogCapture log;
    Fd fd(bpf_map_create(static_cast<bpf_map_type>(readUint32(options.Get("type"), "type")), mapName.c_str(),
                         readUint32(options.Get("keySize"), "keySize"),
                         readUint32(options.Get("valueSize"), "valueSize"),
                         readUint32(options.Get("maxEntries"), "maxEntries"), &create));
    log.check(fd.get() < 0 ? -errno : 0, "cannot create the map " + mapName);
    return make(info.Env(), std::move(fd));
}

Napi::Value BpfMap::maxEntries(const Napi::CallbackInfo &info) {
    return Napi::Number::New(info.Env(), shape_.maxEntries);
}

Napi::Value BpfMap::info(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    Napi::Object result = Napi::Object::New(env);
    result.Set("id", Napi::Number::New(env, shape_.id));
    result.Set("name", Napi::String::New(env, shape_.name));
    result.Set("type", Napi::Number::New(env, shape_.type));
    result.Set("keySize", Napi::Number::New(env, shape_.keySize));
    result.Set("valueSize", Napi::Number::New(env, shape_.valueSize));
    result.Set("maxEntries", Napi::Number::New(env, shape_.maxEntries));
    result.Set("flags", Napi::Number::New(env, shape_.flags));
    result.Set("memory", Napi::Number::New(env, static_cast<double>(readMemory(fd()))));
    return result;
}

Napi::Value BpfMap::get(const Napi::CallbackInfo &info) {
    int map = fd();
    Bytes key = readBytes(info[0], "key", shape_.keySize);
    Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(info.Env(), shape_.slotSize);
    if (bpf_map_lookup_elem(map, key.data, buffer.Data()) == 0)
        return Napi::Uint8Array::New(info.Env(), shape_.slotSize, buffer, 0);
    if (errno == ENOENT)
        return info.Env().Undefined();
    throw Failure::fromErrno("cannot look up an entry of the map " + shape_.name);
}

Napi::Value BpfMap::set(const Napi::CallbackInfo &info) {
    int map = fd();
    Bytes key = readBytes(info[0], "key", shape_.keySize);
    Bytes value = readBytes(info[1], "value", shape_.slotSize);
    uint32_t flags = info[2].IsUndefined() ? uint32_t{BPF_ANY} : readUint32(info[2], "flags");
    if (shape_.holdsMaps())
        throw Failure(EINVAL, shape_.name + " is a map of maps: use setInner");
    if (bpf_map_update_elem(map, key.data, value.data, flags) < 0)
        throw Failure::fromErrno("cannot set an entry of the map " + shape_.name);
    return info.Env().Undefined();
}

Napi::Value BpfMap::remove(const Napi::CallbackInfo &info) {
    int map = fd();
    Bytes key = readBytes(info[0], "key", shape_.keySize);
    bool there = bpf_map_delete_elem(map, key.data) == 0;
    if (!there && errno != ENOENT)
        throw Failure::fromErrno("cannot delete an entry of the map " + shape_.name);
    return Napi::Boolean::New(info.Env(), there);
}

Napi::Value BpfMap::close(const Napi::CallbackInfo &info) {
    mapping_.reset();
    return FdWrapped<BpfMap>::close(info);
}

} // namespace ringwall
