#include "map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstdio>
#include <cstring>
#include <fstream>

#include "entries.h"
#include "worker.h"

namespace ringwall {

namespace {

bool isPerCpu(uint32_t type) {
    return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
           type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

bool isMapOfMaps(uint32_t type) {
    return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
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

Napi::Value toEntries(Napi::Env env, const Entries &entries) {
    Napi::Object result = Napi::Object::New(env);
    result.Set("count", Napi::Number::New(env, static_cast<double>(entries.count)));
    result.Set("keys", toBytes(env, entries.keys.data(), entries.keys.size()));
    result.Set("values", toBytes(env, entries.values.data(), entries.values.size()));
    return result;
}

void putInner(int outer, const std::vector<uint8_t> &key, int inner) {
    if (bpf_map_update_elem(outer, key.data(), &inner, BPF_ANY) < 0)
        throw Failure::fromErrno("cannot put a map into a map of maps");
}

constexpr int kernelHasNone = 524; // ENOTSUPP, which user space has no name for

/* Many at once: the kernel waits one grace period for all, where it has the batch (and one for each where
 * not). */
void putInners(int outer, const MapShape &shape, const std::vector<uint8_t> &keys,
               const std::vector<std::shared_ptr<Fd>> &inners) {
    std::vector<int> fds;
    for (const auto &inner : inners)
        fds.push_back(inner->get());
    uint32_t done = static_cast<uint32_t>(fds.size());
    if (done == 0 || bpf_map_update_batch(outer, keys.data(), fds.data(), &done, nullptr) == 0)
        return;
    if (errno != EINVAL && errno != ENOTSUP && errno != kernelHasNone)
        throw Failure::fromErrno("cannot put maps into a map of maps");
    for (size_t at = 0; at < fds.size(); at++) {
        auto key = keys.begin() + static_cast<ptrdiff_t>(at * shape.keySize);
        putInner(outer, {key, key + shape.keySize}, fds[at]);
    }
}

std::vector<uint8_t> copyKey(const MapShape &shape, const Napi::Value &value) {
    if (!isMapOfMaps(shape.type))
        throw Failure(EINVAL, shape.name + " is not a map of maps");
    Bytes key = readBytes(value, "key", shape.keySize);
    return std::vector<uint8_t>(key.data, key.data + key.size);
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
    std::vector<std::string> paths = readStrings(info[0], "paths");
    using Opened = std::shared_ptr<std::vector<Fd>>; // what is handed over is moved out of it
    return Worker<Opened>::start(
        info.Env(), "ringwall.openPinned",
        [paths = std::move(paths)] {
            auto fds = std::make_shared<std::vector<Fd>>();
            for (const std::string &path : paths)
                fds->push_back(openPin(path, Kind::Map));
            return fds;
        },
        [](Napi::Env env, const Opened &fds) -> Napi::Value {
            Napi::Array maps = Napi::Array::New(env, fds->size());
            for (uint32_t at = 0; at < fds->size(); at++)
                maps.Set(at, make(env, std::move((*fds)[at])));
            return maps;
        });
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
    if (isMapOfMaps(shape_.type))
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

Napi::Value BpfMap::getBatch(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    int map = fd();
    uint32_t count = readUint32(info[1], "count");
    Bytes keys = readBytes(info[0], "keys", size_t{count} * shape_.keySize);
    if (isMapOfMaps(shape_.type))
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
    if (isMapOfMaps(shape_.type))
        throw Failure(EINVAL, shape_.name + " is a map of maps: use setInner");
    writeEntries(map, shape_, keys.data, values.data, count);
    return info.Env().Undefined();
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

Napi::Value BpfMap::deleteBatch(const Napi::CallbackInfo &info) {
    int map = fd();
    uint32_t count = readUint32(info[1], "count");
    Bytes keys = readBytes(info[0], "keys", size_t{count} * shape_.keySize);
    return Napi::Number::New(info.Env(), deleteEntries(map, shape_, keys.data, count));
}

Napi::Value BpfMap::setInner(const Napi::CallbackInfo &info) {
    putInner(fd(), copyKey(shape_, info[0]), from(info[1]).fd());
    return info.Env().Undefined();
}

Napi::Value BpfMap::setInnerAsync(const Napi::CallbackInfo &info) {
    return Worker<bool>::start(
        info.Env(), "ringwall.setInner",
        [outer = share(), key = copyKey(shape_, info[0]), inner = from(info[1]).share()] {
            putInner(outer->get(), key, inner->get());
            return true;
        },
        [](Napi::Env env, const bool &) { return env.Undefined(); });
}

std::vector<std::shared_ptr<Fd>> BpfMap::readMany(const Napi::Value &value, const char *what) {
    if (!value.IsArray())
        throw Failure(EINVAL, std::string(what) + " must be an array of maps");
    Napi::Array list = value.As<Napi::Array>();
    std::vector<std::shared_ptr<Fd>> maps;
    for (uint32_t at = 0; at < list.Length(); at++)
        maps.push_back(from(list.Get(at)).share());
    return maps;
}

Napi::Value BpfMap::setInnersAsync(const Napi::CallbackInfo &info) {
    if (!isMapOfMaps(shape_.type))
        throw Failure(EINVAL, shape_.name + " is not a map of maps");
    std::vector<std::shared_ptr<Fd>> inners = readMany(info[1], "inners");
    Bytes keys = readBytes(info[0], "keys", size_t{shape_.keySize} * inners.size());
    return Worker<bool>::start(
        info.Env(), "ringwall.setInners",
        [outer = share(), shape = shape_, inners,
         keys = std::vector<uint8_t>(keys.data, keys.data + keys.size)] {
            putInners(outer->get(), shape, keys, inners);
            return true;
        },
        [](Napi::Env env, const bool &) { return env.Undefined(); });
}

Napi::Value BpfMap::getInner(const Napi::CallbackInfo &info) {
    int map = fd();
    std::vector<uint8_t> key = copyKey(shape_, info[0]);
    uint32_t id = 0;
    if (bpf_map_lookup_elem(map, key.data(), &id) < 0) {
        if (errno == ENOENT)
            return info.Env().Undefined();
        throw Failure::fromErrno("cannot look up an inner map of " + shape_.name);
    }
    Fd inner(bpf_map_get_fd_by_id(id));
    if (inner.get() < 0) {
        if (errno == ENOENT) // replaced between the two calls, and gone
            return info.Env().Undefined();
        throw Failure::fromErrno("cannot open the map with id " + std::to_string(id));
    }
    return make(info.Env(), std::move(inner));
}

uint64_t *BpfMap::wordOf(const Napi::Value &index, uint32_t place) {
    int map = fd();
    uint32_t at = readUint32(index, "index"), words = shape_.valueSize / sizeof(uint64_t);
    if (shape_.type != BPF_MAP_TYPE_ARRAY || shape_.valueSize % sizeof(uint64_t) != 0)
        throw Failure(EINVAL, shape_.name + " is not an array of 8-byte words");
    if (place >= words)
        throw Failure(E2BIG, "word " + std::to_string(place) + " is outside the values of " + shape_.name);
    if (at >= shape_.maxEntries)
        throw Failure(E2BIG, "index " + std::to_string(at) + " is outside the map " + shape_.name + " of " +
                                 std::to_string(shape_.maxEntries));
    if (!mapping_) {
        size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        size_t size = size_t{shape_.maxEntries} * shape_.valueSize;
        mapping_ = std::make_unique<Mapping>(map, (size + page - 1) / page * page);
    }
    return static_cast<uint64_t *>(mapping_->address()) + size_t{at} * words + place;
}

uint64_t *BpfMap::word(const Napi::Value &index) {
    if (shape_.valueSize != sizeof(uint64_t))
        throw Failure(EINVAL, shape_.name + " is not an array of 8-byte values");
    return wordOf(index, 0);
}

static uint64_t readWord(const Napi::Value &value, const char *name) {
    bool lossless = false;
    uint64_t word = value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
    if (!lossless)
        throw Failure(EINVAL, std::string(name) + " must be a bigint from 0 to 2^64 - 1");
    return word;
}

Napi::Value BpfMap::store64(const Napi::CallbackInfo &info) {
    uint64_t *target = word(info[0]);
    __atomic_store_n(target, readWord(info[1], "value"), __ATOMIC_RELEASE);
    return info.Env().Undefined();
}

Napi::Value BpfMap::swap64(const Napi::CallbackInfo &info) {
    uint64_t *target = wordOf(info[0], readUint32(info[1], "word"));
    uint64_t before = readWord(info[2], "before"), after = readWord(info[3], "after");
    bool swapped =
        __atomic_compare_exchange_n(target, &before, after, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    return Napi::Boolean::New(info.Env(), swapped);
}

Napi::Value BpfMap::add64(const Napi::CallbackInfo &info) {
    uint64_t *target = wordOf(info[0], readUint32(info[1], "word"));
    return Napi::BigInt::New(info.Env(),
                             __atomic_fetch_add(target, readWord(info[2], "by"), __ATOMIC_SEQ_CST));
}

Napi::Value BpfMap::and64(const Napi::CallbackInfo &info) {
    uint64_t *target = wordOf(info[0], readUint32(info[1], "word"));
    return Napi::BigInt::New(info.Env(),
                             __atomic_fetch_and(target, readWord(info[2], "mask"), __ATOMIC_SEQ_CST));
}

uint32_t BpfMap::guardsOf(const Napi::Value &value) const {
    uint32_t guards = readUint32(value, "guards");
    if (shape_.type != BPF_MAP_TYPE_ARRAY || guards == 0 ||
        shape_.valueSize % (guards * sizeof(uint64_t)) != 0 || shape_.valueSize / guards <= sizeof(uint64_t))
        throw Failure(EINVAL, shape_.name + " is not an array of guarded parts");
    return guards;
}

Napi::Value BpfMap::partsAsync(const Napi::CallbackInfo &info) {
    uint32_t guards = guardsOf(info[0]), least = readUint32(info[1], "least");
    return Worker<Parts>::start(
        info.Env(), "ringwall.parts",
        [map = share(), shape = shape_, guards, least] {
            return readParts(map->get(), shape, guards, least);
        },
        [](Napi::Env env, const Parts &parts) -> Napi::Value {
            Napi::Object result = Napi::Object::New(env);
            result.Set("count", Napi::Number::New(env, static_cast<double>(parts.count)));
            result.Set("bytes", toBytes(env, parts.bytes.data(), parts.bytes.size()));
            return result;
        });
}

Napi::Value BpfMap::clearGuardsAsync(const Napi::CallbackInfo &info) {
    uint32_t guards = guardsOf(info[0]);
    uint64_t bits = readWord(info[1], "bits");
    return Worker<uint32_t>::start(
        info.Env(), "ringwall.clearGuards",
        [map = share(), shape = shape_, guards, bits] {
            return clearGuards(map->get(), shape, guards, bits);
        },
        [](Napi::Env env, const uint32_t &cleared) -> Napi::Value {
            return Napi::Number::New(env, cleared);
        });
}

Napi::Value BpfMap::load64(const Napi::CallbackInfo &info) {
    return Napi::BigInt::New(info.Env(), __atomic_load_n(word(info[0]), __ATOMIC_ACQUIRE));
}

Napi::Value BpfMap::close(const Napi::CallbackInfo &info) {
    mapping_.reset();
    return FdWrapped<BpfMap>::close(info);
}

} // namespace ringwall
