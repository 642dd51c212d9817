// Many entries of a map at once: by the kernel's batches where the map type has them, else one by one.
#ifndef RINGWALL_ENTRIES_H
#define RINGWALL_ENTRIES_H

#include <cstdint>
#include <vector>

#include "map.h"

namespace ringwall {

/** Keys and values end to end. */
struct Entries {
    size_t count = 0;
    std::vector<uint8_t> keys;
    std::vector<uint8_t> values;
};

/** All entries. What changes meanwhile may be missing, or there twice. Throws Failure. */
Entries readEntries(int fd, const MapShape &shape);

/** The number of entries. Throws Failure. */
size_t countEntries(int fd, const MapShape &shape);

/** The values of a run of an array map, end to end. Throws Failure: E2BIG where the run leaves the map. */
std::vector<uint8_t> readRun(int fd, const MapShape &shape, uint32_t first, uint32_t count);

/** Sets them. Throws Failure: E2BIG with nothing set, or as writeEntries. */
void writeRun(int fd, const MapShape &shape, uint32_t first, const uint8_t *values, uint32_t count);

/** Parts of an array's values, end to end. */
struct Parts {
    size_t count = 0;
    std::vector<uint8_t> bytes;
};

/**
 * Of values that are `guards` words and as many parts of equal size the parts whose guard's upper half is at
 * least `least`. Programs write a part only while the half is less, and its upper 48 bits are others before
 * and after; so a part that is copied between two looks at the same ones is whole. Throws Failure.
 */
Parts readParts(int fd, const MapShape &shape, uint32_t guards, uint32_t least);

/** Takes bits out of the first `guards` words of each value; returns how many words had one. Throws Failure.
 */
uint32_t clearGuards(int fd, const MapShape &shape, uint32_t guards, uint64_t bits);

/** The values of given keys, and a byte for each: 1 where the key was there, else 0 and a value of zeros. */
struct Found {
    std::vector<uint8_t> values;
    std::vector<uint8_t> found;
};

/** A trie answers a key with the longest prefix that covers it, as it answers a program. Throws Failure. */
Found readKeys(int fd, const MapShape &shape, const uint8_t *keys, uint32_t count);

/** Sets entries; a Failure's `done` says how many were set. */
void writeEntries(int fd, const MapShape &shape, const uint8_t *keys, const uint8_t *values, uint32_t count);

/** Deletes keys, passing over absent ones; returns how many were there. Throws Failure. */
uint32_t deleteEntries(int fd, const MapShape &shape, const uint8_t *keys, uint32_t count);

} // namespace ringwall

#endif
