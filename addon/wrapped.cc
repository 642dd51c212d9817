#include "wrapped.h"

#include <bpf/bpf.h>

#include <climits>

namespace ringwall {

namespace {

const char *inodeOf(Kind kind) {
    switch (kind) {
    case Kind::Map:
        return "anon_inode:bpf-map";
    case Kind::Program:
        return "anon_inode:bpf-prog";
    case Kind::Link:
        return "anon_inode:bpf-link";
    }
    return "";
}

/* A link that was made is "bpf_link", one that was opened by its pin "bpf-link" (bpf_link_new_fd,
 * bpf_link_get_fd). */
bool isInodeOf(Kind kind, const std::string &found) {
    return found == inodeOf(kind) || (kind == Kind::Link && found == "anon_inode:bpf_link");
}

} // namespace

Fd openPin(const std::string &path, Kind kind) {
    Fd fd(bpf_obj_get(path.c_str()));
    if (fd.get() < 0)
        throw Failure::fromErrno("cannot open the pin " + path);
    // The kernel gives whatever is pinned there; its info calls would fill another kind's struct.
    char target[PATH_MAX];
    std::string self = "/proc/self/fd/" + std::to_string(fd.get());
    ssize_t length = readlink(self.c_str(), target, sizeof(target));
    if (length < 0)
        throw Failure::fromErrno("cannot tell what is pinned at " + path);
    std::string found(target, static_cast<size_t>(length));
    if (!isInodeOf(kind, found))
        throw Failure(EINVAL, path + " is " + found + ", not " + inodeOf(kind));
    return fd;
}

void pinFd(int fd, const std::string &path) {
    if (bpf_obj_pin(fd, path.c_str()) < 0)
        throw Failure::fromErrno("cannot pin to " + path);
}

} // namespace ringwall
