// BPF iterators: programs that the kernel runs for each object of a kind, and whose writings it hands over.
#ifndef RINGWALL_ITERATOR_H
#define RINGWALL_ITERATOR_H

#include <cstdint>
#include <vector>

namespace ringwall {

/** All that the iterator `program` writes. Throws Failure (EINVAL where it is none, EPERM, ENOMEM). */
std::vector<uint8_t> readIterator(int program);

} // namespace ringwall

#endif
