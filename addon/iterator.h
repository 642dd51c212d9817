// BPF iterators: programs that the kernel runs for each object of a kind, and whose writings it hands over.
#ifndef RINGWALL_ITERATOR_H
#define RINGWALL_ITERATOR_H

#include <cstdint>
#include <vector>

namespace ringwall {

/**
 * All that the iterator `program` writes; `map`: over the elements of which, -1: it is not of elements.
 * Throws Failure (EINVAL where it is no iterator, EPERM, ENOMEM, EACCES where it reads beyond the map's
 * values).
 */
std::vector<uint8_t> readIterator(int program, int map);

} // namespace ringwall

#endif
