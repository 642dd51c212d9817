// Netlink, by hand: links, addresses and bridge ports of the caller's network namespace.
#ifndef RINGWALL_NETLINK_H
#define RINGWALL_NETLINK_H

#include <linux/netlink.h>
#include "node-api.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "handle.h"

namespace ringwall {

/** A device, as index.d.ts describes it. */
struct LinkInfo {
    uint32_t ifindex = 0;
    std::string name;
    std::string mac;
    uint32_t mtu = 0;
    bool up = false;
    std::string kind;
    uint32_t master = 0;
    uint32_t lower = 0;
    bool ethernet = false;
    bool loopback = false;
    uint32_t xdpProgram = 0; // id, any mode
};

Napi::Object toLink(Napi::Env env, const LinkInfo &link);

/**
 * A device out of RTM_NEWLINK or RTM_DELLINK. None for messages that speak of a part of a device only: of a
 * bridge port (its RTM_DELLINK means that the device left the bridge, not that it is gone), or of wireless.
 */
std::optional<LinkInfo> parseLink(const nlmsghdr *message);

class NetlinkSocket {
  public:
    using OnMessage = std::function<void(const nlmsghdr *)>;

    /** `groups`: RTMGRP_* to listen to, 0 for a socket of questions. Throws Failure. */
    explicit NetlinkSocket(uint32_t groups, int protocol = NETLINK_ROUTE);

    int fd() const {
        return socket_.get();
    }

    /** Asks, and hands on each answer until the last. Throws Failure with the kernel's words in `log`. */
    void ask(nlmsghdr *request, const OnMessage &onMessage, const std::string &attempt);

    /** One datagram of a listening socket. 0, or errno: EAGAIN when there is none, ENOBUFS when some are
     * lost. */
    int listen(const OnMessage &onMessage);

  private:
    /** Bytes read into buffer_, or -errno. */
    ssize_t receive(int flags);
    /** True when the answer is complete. */
    bool take(const nlmsghdr *message, const OnMessage &onMessage, const std::string &attempt);

    Fd socket_;
    uint32_t sequence_ = 0;
    bool dumps_ = false;
    bool interrupted_ = false; // what was listed changed meanwhile
    std::vector<char> buffer_;
};

Napi::Value listLinks(const Napi::CallbackInfo &info);
Napi::Value setLinkUp(const Napi::CallbackInfo &info);
Napi::Value listAddresses(const Napi::CallbackInfo &info);
Napi::Value queryXdp(const Napi::CallbackInfo &info);

} // namespace ringwall

#endif
