#include "entries.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

namespace ringwall {

namespace {

// Entries asked for in one batch: a call is then well under a millisecond, its buffers under a megabyte.
constexpr uint32_t kChunk = 4096;
constexpr int kKernelNotSupported = 524;

bool lacksBatch(int error) {
    return error == EINVAL || error == ENOTSUP || error == kKernelNotSupported;
}

std::string attempt(const char *verb, const MapShape &shape) {
    return std::string("cannot ") + verb + " the map " + shape.name;
}

/** Takes `count` keys and values; they are overwritten afterwards. */
using Take = std::function<void(const uint8_t *keys, const uint8_t *values, uint32_t count)>;

void walkOneByOne(int fd, const MapShape &shape, const Take &take) {
    std::vector<uint8_t> key(shape.keySize), next(shape.keySize), value(shape.slotSize);
    void *previous = nullptr;
    // A key deleted under the walk sends it back to the start: the bound ends what would go round for ever.
    for (uint64_t steps = 0; steps < uint64_t{shape.maxEntries} * 2; steps++) {
        if (bpf_map_get_next_key(fd, previous, next.data()) < 0) {
            if (errno == ENOENT)
                return;
            throw Failure::fromErrno(attempt("walk", shape));
        }
        std::swap(key, next);
        previous = key.data();
        if (bpf_map_lookup_elem(fd, key.data(), value.data()) == 0)
            take(key.data(), value.data(), 1);
        else if (errno != ENOENT)
            throw Failure::fromErrno(attempt("read", shape));
    }
}

/** False where the map type has no batches. */
bool walkBatches(int fd, const MapShape &shape, const Take &take) {
    uint32_t chunk = std::min(kChunk, shape.maxEntries);
    // The kernel's place: a bucket number for hashes, a key for others.
    std::vector<uint8_t> place(std::max<size_t>(shape.keySize, sizeof(uint32_t)));
    std::vector<uint8_t> keys(size_t{chunk} * shape.keySize), values(size_t{chunk} * shape.slotSize);
    void *from = nullptr;
    for (uint64_t seen = 0; seen <= shape.maxEntries;) {
        uint32_t count = chunk;
        int result =
            bpf_map_lookup_batch(fd, from, place.data(), keys.data(), values.data(), &count, nullptr);
        int error = result < 0 ? errno : 0;
        if (error == ENOSPC && chunk < shape.maxEntries) { // a bucket longer than the buffers
            chunk = static_cast<uint32_t>(std::min<uint64_t>(uint64_t{chunk} * 2, shape.maxEntries));
            keys.resize(size_t{chunk} * shape.keySize);
            values.resize(size_t{chunk} * shape.slotSize);
            continue;
        }
        if (from == nullptr && lacksBatch(error))
            return false;
        if (error != 0 && error != ENOENT)
            throw Failure(error, attempt("read", shape));
        if (count > 0)
            take(keys.data(), values.data(), count);
        if (error == ENOENT || count == 0)
            return true;
        seen += count;
        from = place.data();
    }
    return true;
}

void walk(int fd, const MapShape &shape, const Take &take) {
    if (!walkBatches(fd, shape, take))
        walkOneByOne(fd, shape, take);
}

/** Whether the values lie in memory as they are read: end to end, and open to a mapping. */
bool isMapped(const MapShape &shape) {
    return (shape.flags & BPF_F_MMAPABLE) != 0 && shape.valueSize % 8 == 0;
}

/**
 * Hands `use` the values of a run in the map's own memory: by calls, each place takes some 300 ns of the
 * kernel's time. Only while it runs: what is mapped counts as the process's memory.
 */
void withRun(int fd, const MapShape &shape, uint32_t first, uint32_t count, int access,
             const std::function<void(uint8_t *values, size_t size)> &use) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_t begin = size_t{first} * shape.valueSize, size = size_t{count} * shape.valueSize;
    size_t offset = begin / page * page;
    Mapping mapping(fd, (begin + size - offset + page - 1) / page * page, static_cast<off_t>(offset), access);
    use(static_cast<uint8_t *>(mapping.address()) + (begin - offset), size);
}

void checkRun(const MapShape &shape, uint32_t first, uint32_t count) {
    if (count > shape.maxEntries || first > shape.maxEntries - count)
        throw Failure(E2BIG, "a run of " + std::to_string(count) + " from " + std::to_string(first) +
                                 " is not inside the map " + shape.name + " of " +
                                 std::to_string(shape.maxEntries));
}

/** All places of an array that is mapped, each word as one load. */
Entries readMapped(int fd, const MapShape &shape) {
    Entries entries;
    entries.count = shape.maxEntries;
    entries.keys.resize(size_t{shape.maxEntries} * sizeof(uint32_t));
    std::iota(reinterpret_cast<uint32_t *>(entries.keys.data()),
              reinterpret_cast<uint32_t *>(entries.keys.data() + entries.keys.size()), 0U);
    withRun(fd, shape, 0, shape.maxEntries, PROT_READ, [&](uint8_t *values, size_t size) {
        entries.values.resize(size);
        const auto *from = reinterpret_cast<const uint64_t *>(values);
        auto *to = reinterpret_cast<uint64_t *>(entries.values.data());
        for (size_t word = 0; word < size / sizeof(uint64_t); word++)
            to[word] = __atomic_load_n(&from[word], __ATOMIC_RELAXED);
    });
    return entries;
}

} // namespace

Entries readEntries(int fd, const MapShape &shape) {
    if (isMapped(shape))
        return readMapped(fd, shape);
    Entries entries;
    walk(fd, shape, [&](const uint8_t *keys, const uint8_t *values, uint32_t count) {
        entries.keys.insert(entries.keys.end(), keys, keys + size_t{count} * shape.keySize);
        entries.values.insert(entries.values.end(), values, values + size_t{count} * shape.slotSize);
        entries.count += count;
    });
    return entries;
}

size_t countEntries(int fd, const MapShape &shape) {
    size_t total = 0;
    walk(fd, shape, [&](const uint8_t *, const uint8_t *, uint32_t count) { total += count; });
    return total;
}

std::vector<uint8_t> readRun(int fd, const MapShape &shape, uint32_t first, uint32_t count) {
    checkRun(shape, first, count);
    if (count > 0 && isMapped(shape)) {
        std::vector<uint8_t> read;
        withRun(fd, shape, first, count, PROT_READ,
                [&](uint8_t *values, size_t size) { read.assign(values, values + size); });
        return read;
    }
    std::vector<uint8_t> values(size_t{count} * shape.slotSize), keys(size_t{count} * shape.keySize);
    // The kernel reads on behind the place that it is given.
    uint32_t before = first - 1, place = 0;
    for (uint32_t done = 0; done < count;) {
        uint32_t wanted = std::min(kChunk, count - done), got = wanted;
        int result = bpf_map_lookup_batch(fd, first + done == 0 ? nullptr : &before, &place, keys.data(),
                                          values.data() + size_t{done} * shape.slotSize, &got, nullptr);
        // The batch that ends at the map's last place says ENOENT.
        int error = result < 0 ? errno : 0;
        if ((error != 0 && error != ENOENT) || got != wanted)
            throw Failure(error == 0 ? EIO : error, attempt("read a run of", shape));
        done += got;
        before = first + done - 1;
    }
    return values;
}

void writeRun(int fd, const MapShape &shape, uint32_t first, const uint8_t *values, uint32_t count) {
    checkRun(shape, first, count);
    if (count > 0 && isMapped(shape)) {
        withRun(fd, shape, first, count, PROT_READ | PROT_WRITE,
                [&](uint8_t *target, size_t size) { memcpy(target, values, size); });
        return;
    }
    std::vector<uint32_t> keys(count);
    std::iota(keys.begin(), keys.end(), first);
    writeEntries(fd, shape, reinterpret_cast<const uint8_t *>(keys.data()), values, count);
}

Parts readParts(int fd, const MapShape &shape, uint32_t guards, uint32_t least) {
    Parts parts;
    size_t size = shape.valueSize / guards - sizeof(uint64_t);
    withRun(fd, shape, 0, shape.maxEntries, PROT_READ, [&](uint8_t *values, size_t) {
        for (size_t at = 0; at < size_t{shape.maxEntries} * guards; at++) {
            uint8_t *value = values + at / guards * shape.valueSize;
            uint64_t *guard = reinterpret_cast<uint64_t *>(value) + at % guards;
            const uint8_t *part = value + guards * sizeof(uint64_t) + at % guards * size;
            uint64_t before = __atomic_load_n(guard, __ATOMIC_ACQUIRE) >> 16;
            while (before >> 16 >= least) {
                parts.bytes.resize((parts.count + 1) * size);
                memcpy(parts.bytes.data() + parts.count * size, part, size);
                __atomic_thread_fence(__ATOMIC_ACQUIRE);
                uint64_t after = __atomic_load_n(guard, __ATOMIC_RELAXED) >> 16;
                if (after == before) {
                    parts.count++;
                    break;
                }
                before = after;
            }
        }
    });
    parts.bytes.resize(parts.count * size);
    return parts;
}

uint32_t clearGuards(int fd, const MapShape &shape, uint32_t guards, uint64_t bits) {
    uint32_t cleared = 0;
    withRun(fd, shape, 0, shape.maxEntries, PROT_READ | PROT_WRITE, [&](uint8_t *values, size_t) {
        for (size_t at = 0; at < size_t{shape.maxEntries} * guards; at++) {
            uint64_t *guard =
                reinterpret_cast<uint64_t *>(values + at / guards * shape.valueSize) + at % guards;
            // Programs write these words all the time: only where there is something to clear.
            if ((__atomic_load_n(guard, __ATOMIC_RELAXED) & bits) != 0 &&
                (__atomic_fetch_and(guard, ~bits, __ATOMIC_SEQ_CST) & bits) != 0)
                cleared++;
        }
    });
    return cleared;
}

Found readKeys(int fd, const MapShape &shape, const uint8_t *keys, uint32_t count) {
    Found result;
    result.values.resize(size_t{count} * shape.slotSize);
    result.found.resize(count);
    for (uint32_t i = 0; i < count; i++) {
        if (bpf_map_lookup_elem(fd, keys + size_t{i} * shape.keySize,
                                result.values.data() + size_t{i} * shape.slotSize) == 0)
            result.found[i] = 1;
        else if (errno != ENOENT)
            throw Failure::fromErrno(attempt("read", shape));
    }
    return result;
}

void writeEntries(int fd, const MapShape &shape, const uint8_t *keys, const uint8_t *values, uint32_t count) {
    if (count == 0)
        return;
    uint32_t done = count;
    if (bpf_map_update_batch(fd, keys, values, &done, nullptr) == 0)
        return;
    int error = errno;
    // A call refused before its first entry leaves the count as it was given.
    done = done >= count ? 0 : done;
    if (done > 0 || !lacksBatch(error)) {
        Failure failure(error, attempt("set entries of", shape));
        failure.done = done;
        throw failure;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (bpf_map_update_elem(fd, keys + size_t{i} * shape.keySize, values + size_t{i} * shape.slotSize,
                                0) < 0) {
            Failure failure = Failure::fromErrno(attempt("set entries of", shape));
            failure.done = i;
            throw failure;
        }
    }
}

uint32_t deleteEntries(int fd, const MapShape &shape, const uint8_t *keys, uint32_t count) {
    uint32_t at = 0, deleted = 0;
    bool batches = true;
    while (at < count) {
        uint32_t done = batches ? count - at : 1;
        const uint8_t *key = keys + size_t{at} * shape.keySize;
        int result = batches ? bpf_map_delete_batch(fd, key, &done, nullptr) : bpf_map_delete_elem(fd, key);
        int error = result < 0 ? errno : 0;
        if (batches && lacksBatch(error)) {
            batches = false;
            continue;
        }
        if (error != 0 && error != ENOENT)
            throw Failure(error, attempt("delete entries of", shape));
        // On ENOENT `done` stands at the absent key, which is passed over.
        if (error == ENOENT && (!batches || done >= count - at))
            done = 0;
        deleted += done;
        at += done + (error == ENOENT ? 1 : 0);
    }
    return deleted;
}

} // namespace ringwall
