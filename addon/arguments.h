// Reads JavaScript arguments, no further than memory safety needs; callers in TypeScript check the rest.
#ifndef RINGWALL_ARGUMENTS_H
#define RINGWALL_ARGUMENTS_H

#include "node-api.h"

#include <optional>
#include <string>
#include <vector>

#include "error.h"

namespace ringwall {

/** Bytes of a Uint8Array, valid while the call lasts. */
struct Bytes {
    uint8_t *data;
    size_t size;
};

/** Each throws Failure (EINVAL) naming the argument where it is of another type. */
Bytes readBytes(const Napi::Value &value, const char *name);
/** Bytes of exactly `size`. */
Bytes readBytes(const Napi::Value &value, const char *name, size_t size);
std::string readString(const Napi::Value &value, const char *name);
/** An integer in 0..4294967295. */
uint32_t readUint32(const Napi::Value &value, const char *name);
bool readBoolean(const Napi::Value &value, const char *name);
Napi::Object readObject(const Napi::Value &value, const char *name);
Napi::Function readFunction(const Napi::Value &value, const char *name);
std::vector<std::string> readStrings(const Napi::Value &value, const char *name);

/** A copy of bytes as a Uint8Array. */
Napi::Value toBytes(Napi::Env env, const void *data, size_t size);
Napi::Value toStrings(Napi::Env env, const std::vector<std::string> &names);

} // namespace ringwall

#endif
