#include "system.h"

#include <bpf/libbpf.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "arguments.h"
#include "handle.h"

namespace ringwall {

namespace {

int readFd(const Napi::Value &value) {
    uint32_t fd = readUint32(value, "fd");
    if (fd > INT32_MAX)
        throw Failure(EBADF, "fd is no file descriptor");
    return static_cast<int>(fd);
}

/** True where a bpffs is mounted at this directory itself; a directory inside one is not enough. */
bool isBpffsRoot(const std::string &path) {
    struct statfs filesystem = {};
    struct statx status = {};
    if (statfs(path.c_str(), &filesystem) < 0 ||
        statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS, &status) < 0)
        throw Failure::fromErrno("cannot look at " + path);
    return static_cast<uint32_t>(filesystem.f_type) == static_cast<uint32_t>(BPF_FS_MAGIC) &&
           (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

int64_t readNanoseconds(clockid_t clock) {
    timespec time = {};
    if (clock_gettime(clock, &time) < 0)
        throw Failure::fromErrno("cannot read the clock");
    return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

/** The address of systemd's socket: a path, or an abstract name behind `@`. */
socklen_t fillAddress(const std::string &name, sockaddr_un &address) {
    if ((name[0] != '/' && name[0] != '@') || name.size() >= sizeof(address.sun_path))
        throw Failure(EINVAL, "NOTIFY_SOCKET is neither a path nor an abstract name: " + name);
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
}

} // namespace

Napi::Value peerCredentials(const Napi::CallbackInfo &info) {
    int fd = readFd(info[0]);
    ucred peer = {};
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        throw Failure::fromErrno("cannot tell who is at the other end of the socket");
    if (peer.pid == 0) // what the kernel says of a socket that is not a connected unix one
        throw Failure(ENOTCONN, "cannot tell who is at the other end of the socket");
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("pid", Napi::Number::New(info.Env(), peer.pid));
    result.Set("uid", Napi::Number::New(info.Env(), peer.uid));
    result.Set("gid", Napi::Number::New(info.Env(), peer.gid));
    return result;
}

Napi::Value lockFile(const Napi::CallbackInfo &info) {
    bool locked = flock(readFd(info[0]), LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK)
        throw Failure::fromErrno("cannot lock the file");
    return Napi::Boolean::New(info.Env(), locked);
}

Napi::Value mountBpffs(const Napi::CallbackInfo &info) {
    std::string path = readString(info[0], "path");
    if (isBpffsRoot(path))
        return Napi::Boolean::New(info.Env(), false);
    if (mount("bpf", path.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
        throw Failure::fromErrno("cannot mount a bpffs at " + path);
    return Napi::Boolean::New(info.Env(), true);
}

Napi::Value notify(const Napi::CallbackInfo &info) {
    std::string state = readString(info[0], "state");
    const char *name = getenv("NOTIFY_SOCKET");
    if (name == nullptr || name[0] == '\0')
        return Napi::Boolean::New(info.Env(), false);
    sockaddr_un address = {};
    socklen_t length = fillAddress(name, address);
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (socket.get() < 0 || sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                   reinterpret_cast<sockaddr *>(&address), length) < 0)
        throw Failure::fromErrno(std::string("cannot notify ") + name);
    return Napi::Boolean::New(info.Env(), true);
}

Napi::Value taiOffset(const Napi::CallbackInfo &info) {
    // Not adjtimex: units that may not set the clock may not call it either. Rounding takes up the
    // nanoseconds between the two readings.
    constexpr int64_t second = 1000000000;
    int64_t difference = readNanoseconds(CLOCK_REALTIME);
    difference = readNanoseconds(CLOCK_TAI) - difference;
    int64_t rounded = (difference + (difference < 0 ? -second / 2 : second / 2)) / second;
    return Napi::Number::New(info.Env(), static_cast<double>(rounded));
}

Napi::Value possibleCpus(const Napi::CallbackInfo &info) {
    LogCapture log;
    return Napi::Number::New(info.Env(), log.check(libbpf_num_possible_cpus(), "cannot count the CPUs"));
}

Napi::Value libbpfVersion(const Napi::CallbackInfo &info) {
    return Napi::String::New(info.Env(), libbpf_version_string());
}

} // namespace ringwall
