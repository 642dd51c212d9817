// RAII over what the kernel counts: file descriptors and mappings.
#ifndef RINGWALL_HANDLE_H
#define RINGWALL_HANDLE_H

#include <cstddef>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include "error.h"

namespace ringwall {

/** Owns a file descriptor; -1 is none. */
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd &operator=(Fd &&other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Fd(const Fd &) = delete;
    Fd &operator=(const Fd &) = delete;
    ~Fd() {
        if (fd_ >= 0)
            ::close(fd_);
    }

    int get() const {
        return fd_;
    }

    /** A second descriptor of the same open file. Throws Failure (EMFILE). */
    static Fd duplicate(int fd) {
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (copy < 0)
            throw Failure::fromErrno("cannot duplicate a file descriptor");
        return Fd(copy);
    }

  private:
    int fd_ = -1;
};

/** Owns a shared mapping of a part of a file descriptor. */
class Mapping {
  public:
    /**
     * `offset`: a multiple of the page size. Throws Failure (EPERM where the map was not made with
     * BPF_F_MMAPABLE, EINVAL, ENOMEM).
     */
    Mapping(int fd, size_t size, off_t offset = 0, int access = PROT_READ | PROT_WRITE) : size_(size) {
        address_ = mmap(nullptr, size, access, MAP_SHARED, fd, offset);
        if (address_ == MAP_FAILED)
            throw Failure::fromErrno("cannot map the values into memory");
    }
    Mapping(const Mapping &) = delete;
    Mapping &operator=(const Mapping &) = delete;
    ~Mapping() {
        munmap(address_, size_);
    }

    void *address() const {
        return address_;
    }

  private:
    void *address_;
    size_t size_;
};

} // namespace ringwall

#endif
