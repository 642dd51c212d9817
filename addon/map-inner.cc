// BpfMap: maps whose values are maps.
#include <bpf/bpf.h>

#include "map.h"
#include "worker.h"

namespace ringwall {

namespace {

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
    if (!shape.holdsMaps())
        throw Failure(EINVAL, shape.name + " is not a map of maps");
    Bytes key = readBytes(value, "key", shape.keySize);
    return std::vector<uint8_t>(key.data, key.data + key.size);
}

} // namespace

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
    if (!shape_.holdsMaps())
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

} // namespace ringwall
