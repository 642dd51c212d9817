// BpfMap: words of an array that programs read meanwhile, and parts that carry a guard each.
#include <linux/bpf.h>

#include "entries.h"
#include "map.h"
#include "worker.h"

namespace ringwall {

namespace {

uint64_t readWord(const Napi::Value &value, const char *name) {
    bool lossless = false;
    uint64_t word = value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
    if (!lossless)
        throw Failure(EINVAL, std::string(name) + " must be a bigint from 0 to 2^64 - 1");
    return word;
}

} // namespace

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

Napi::Value BpfMap::load64(const Napi::CallbackInfo &info) {
    return Napi::BigInt::New(info.Env(), __atomic_load_n(word(info[0]), __ATOMIC_ACQUIRE));
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

} // namespace ringwall
