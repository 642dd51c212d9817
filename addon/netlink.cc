#include "netlink.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

#include "attributes.h"
#include "error.h"

namespace ringwall {

namespace {

// The kernel fills at most 32 KiB of a dump at a time.
constexpr size_t kBufferBytes = 65536;
// For a listening socket: some thousand changes of links while the event loop is busy.
constexpr int kListenBytes = 4 << 20;

void listenTo(int fd, uint32_t groups) {
    // Beyond the bound of net.core.rmem_max where CAP_NET_ADMIN allows it; less is no error, only an
    // earlier "overrun".
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kListenBytes, sizeof(kListenBytes)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kListenBytes, sizeof(kListenBytes));
    sockaddr_nl address = {};
    address.nl_family = AF_NETLINK;
    address.nl_groups = groups;
    if (bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) < 0)
        throw Failure::fromErrno("cannot listen to netlink");
}

/** The kernel's own words in an error (NETLINK_EXT_ACK), or nothing. */
std::string readWords(const nlmsghdr *message) {
    if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0)
        return "";
    const auto *error = static_cast<const nlmsgerr *>(NLMSG_DATA(message));
    size_t skipped = sizeof(nlmsgerr);
    if ((message->nlmsg_flags & NLM_F_CAPPED) == 0)
        skipped += NLMSG_ALIGN(error->msg.nlmsg_len) - NLMSG_HDRLEN;
    return readText(findAttribute(attributesOf(message, skipped), NLMSGERR_ATTR_MSG));
}

} // namespace

NetlinkSocket::NetlinkSocket(uint32_t groups, int protocol) : buffer_(kBufferBytes) {
    int flags = SOCK_RAW | SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0);
    socket_ = Fd(socket(AF_NETLINK, flags, protocol));
    if (socket_.get() < 0)
        throw Failure::fromErrno("cannot open a netlink socket");
    int on = 1;
    setsockopt(socket_.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)); // only for better words
    if (groups != 0)
        listenTo(socket_.get(), groups);
}

ssize_t NetlinkSocket::receive(int flags) {
    sockaddr_nl sender = {};
    iovec vector = {buffer_.data(), buffer_.size()};
    msghdr header = {};
    header.msg_name = &sender;
    header.msg_namelen = sizeof(sender);
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    ssize_t length;
    do
        length = recvmsg(socket_.get(), &header, flags);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    if (sender.nl_pid != 0) // another process: only the kernel is believed
        return 0;
    return (header.msg_flags & MSG_TRUNC) != 0 ? -EMSGSIZE : length;
}

bool NetlinkSocket::take(const nlmsghdr *message, const OnMessage &onMessage, const std::string &attempt) {
    if (message->nlmsg_seq != sequence_)
        return false;
    interrupted_ = interrupted_ || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    int error = 0;
    switch (message->nlmsg_type) {
    case NLMSG_ERROR:
    case NLMSG_DONE: // both begin with the error
        if (message->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
            memcpy(&error, NLMSG_DATA(message), sizeof(error));
        if (error < 0)
            throw Failure(error, attempt, message->nlmsg_type == NLMSG_ERROR ? readWords(message) : "");
        return true;
    default:
        onMessage(message);
        // Some families forget NLM_F_MULTI in dumps (netdev).
        return !dumps_ && (message->nlmsg_flags & NLM_F_MULTI) == 0;
    }
}

void NetlinkSocket::ask(nlmsghdr *request, const OnMessage &onMessage, const std::string &attempt) {
    request->nlmsg_seq = ++sequence_;
    dumps_ = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    interrupted_ = false;
    if (send(socket_.get(), request, request->nlmsg_len, 0) < 0)
        throw Failure::fromErrno(attempt);
    for (bool complete = false; !complete;) {
        ssize_t received = receive(0);
        if (received < 0)
            throw Failure(static_cast<int>(received), attempt);
        auto left = static_cast<uint32_t>(received);
        auto *message = reinterpret_cast<const nlmsghdr *>(buffer_.data());
        for (; NLMSG_OK(message, left) && !complete; message = NLMSG_NEXT(message, left))
            complete = take(message, onMessage, attempt);
    }
    // rtnetlink.7: a dump that says so may lack entries, or have some twice.
    if (interrupted_)
        throw Failure(EINTR, attempt);
}

int NetlinkSocket::listen(const OnMessage &onMessage) {
    ssize_t received = receive(MSG_DONTWAIT);
    if (received < 0)
        return static_cast<int>(-received);
    auto left = static_cast<uint32_t>(received);
    auto *message = reinterpret_cast<const nlmsghdr *>(buffer_.data());
    for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
        onMessage(message);
    return 0;
}

} // namespace ringwall
