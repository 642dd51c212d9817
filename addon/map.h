// BpfMap: one map of the kernel.
#ifndef RINGWALL_MAP_H
#define RINGWALL_MAP_H

#include <memory>
#include <vector>

#include "wrapped.h"

namespace ringwall {

/** What never changes about a map, learnt once: how long its keys and values are. */
struct MapShape {
    uint32_t id = 0;
    uint32_t type = 0;
    uint32_t keySize = 0;
    uint32_t valueSize = 0; // as the map was made
    uint32_t slotSize = 0;  // as user space reads it: per-CPU maps have one rounded value for each CPU
    uint32_t maxEntries = 0;
    uint32_t flags = 0;
    std::string name;

    /** Throws Failure. */
    static MapShape of(int fd);

    /** An array or a hash whose values are maps. */
    bool holdsMaps() const;
};

class BpfMap : public FdWrapped<BpfMap> {
  public:
    static constexpr napi_type_tag tag = {0x52696e6777616c6c, 0x0000000000000001};
    static constexpr const char *name = "BpfMap";

    static Napi::Function define(Napi::Env env);
    static Napi::Function constructor(Napi::Env env) {
        return Environment::of(env).map.Value();
    }

    explicit BpfMap(const Napi::CallbackInfo &info);

    const MapShape &shape() const {
        return shape_;
    }

    static Napi::Value openPinned(const Napi::CallbackInfo &info);
    static Napi::Value openPinnedAsync(const Napi::CallbackInfo &info);
    static Napi::Value create(const Napi::CallbackInfo &info);

    /** The descriptors of an array of maps. Throws Failure (EINVAL, EBADF). */
    static std::vector<std::shared_ptr<Fd>> readMany(const Napi::Value &value, const char *what);

    Napi::Value info(const Napi::CallbackInfo &info);
    Napi::Value maxEntries(const Napi::CallbackInfo &info);
    Napi::Value get(const Napi::CallbackInfo &info);
    Napi::Value set(const Napi::CallbackInfo &info);
    Napi::Value remove(const Napi::CallbackInfo &info);
    Napi::Value entries(const Napi::CallbackInfo &info);
    Napi::Value entriesAsync(const Napi::CallbackInfo &info);
    Napi::Value countAsync(const Napi::CallbackInfo &info);
    Napi::Value getRun(const Napi::CallbackInfo &info);
    Napi::Value setRun(const Napi::CallbackInfo &info);
    Napi::Value getBatch(const Napi::CallbackInfo &info);
    Napi::Value setBatch(const Napi::CallbackInfo &info);
    Napi::Value deleteBatch(const Napi::CallbackInfo &info);
    Napi::Value setInner(const Napi::CallbackInfo &info);
    Napi::Value setInnerAsync(const Napi::CallbackInfo &info);
    Napi::Value setInnersAsync(const Napi::CallbackInfo &info);
    Napi::Value getInner(const Napi::CallbackInfo &info);
    Napi::Value store64(const Napi::CallbackInfo &info);
    Napi::Value swap64(const Napi::CallbackInfo &info);
    Napi::Value add64(const Napi::CallbackInfo &info);
    Napi::Value and64(const Napi::CallbackInfo &info);
    Napi::Value partsAsync(const Napi::CallbackInfo &info);
    Napi::Value clearGuardsAsync(const Napi::CallbackInfo &info);
    uint32_t guardsOf(const Napi::Value &value) const;
    Napi::Value load64(const Napi::CallbackInfo &info);
    Napi::Value close(const Napi::CallbackInfo &info);

  private:
    uint64_t *wordOf(const Napi::Value &index, uint32_t place);
    uint64_t *word(const Napi::Value &index);

    MapShape shape_;
    std::unique_ptr<Mapping> mapping_;
};

} // namespace ringwall

#endif
