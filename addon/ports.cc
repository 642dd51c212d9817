#include "ports.h"

#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "arguments.h"
#include "attributes.h"
#include "handle.h"
#include "netlink.h"
#include "question.h"
#include "tc.h"

namespace ringwall {

namespace {

// linux/netdev.h of Linux 6.3, which older headers lack.
constexpr uint8_t kDeviceGet = 1;
constexpr uint8_t kNetdevVersion = 1;
constexpr uint16_t kDeviceIfindex = 1;
constexpr uint16_t kDeviceXdpFeatures = 3;
constexpr uint32_t kXdpNdoXmit = 4;
constexpr char kNetdevFamily[] = "netdev";

struct Qdisc {
    uint32_t ifindex;
    std::string kind;
};

struct Filter {
    uint32_t handle;
    uint32_t priority;
    uint32_t chain;
    uint32_t program;
};

Napi::Object toBridge(Napi::Env env, Attributes data) {
    auto number = [&](uint16_t type) { return readNumber(findAttribute(data, type)); };
    Napi::Object bridge = Napi::Object::New(env);
    bridge.Set("vlanFiltering", Napi::Boolean::New(env, number(IFLA_BR_VLAN_FILTERING) != 0));
    bridge.Set("ageing", Napi::Number::New(env, number(IFLA_BR_AGEING_TIME) / 100.0));
    bridge.Set("callsNetfilter",
               Napi::Boolean::New(env, (number(IFLA_BR_NF_CALL_IPTABLES) | number(IFLA_BR_NF_CALL_IP6TABLES) |
                                        number(IFLA_BR_NF_CALL_ARPTABLES)) != 0));
    return bridge;
}

Napi::Object toPort(Napi::Env env, Attributes data) {
    auto number = [&](uint16_t type) { return readNumber(findAttribute(data, type)); };
    Napi::Object port = Napi::Object::New(env);
    port.Set("state", Napi::Number::New(env, number(IFLA_BRPORT_STATE)));
    port.Set("hairpin", Napi::Boolean::New(env, number(IFLA_BRPORT_MODE) != 0));
    port.Set("isolated", Napi::Boolean::New(env, number(IFLA_BRPORT_ISOLATED) != 0));
    port.Set("locked", Napi::Boolean::New(env, number(IFLA_BRPORT_LOCKED) != 0));
    port.Set("learning", Napi::Boolean::New(env, number(IFLA_BRPORT_LEARNING) != 0));
    return port;
}

Napi::Object toPortOf(Napi::Env env, const nlmsghdr *message) {
    auto *body = static_cast<const ifinfomsg *>(NLMSG_DATA(message));
    Attributes attributes = attributesOf(message, sizeof(ifinfomsg));
    Attributes info = attributesOf(findAttribute(attributes, IFLA_LINKINFO));
    bool isBridge = readText(findAttribute(info, IFLA_INFO_KIND)) == "bridge";
    bool isPort = readText(findAttribute(info, IFLA_INFO_SLAVE_KIND)) == "bridge";
    Napi::Object link = Napi::Object::New(env);
    link.Set("ifindex", Napi::Number::New(env, body->ifi_index));
    link.Set("master", Napi::Number::New(env, readNumber(findAttribute(attributes, IFLA_MASTER))));
    link.Set("mtu", Napi::Number::New(env, readNumber(findAttribute(attributes, IFLA_MTU))));
    link.Set("up", Napi::Boolean::New(env, (body->ifi_flags & IFF_UP) != 0));
    link.Set("qdisc", Napi::String::New(env, readText(findAttribute(attributes, IFLA_QDISC))));
    link.Set("bridge", isBridge
                           ? Napi::Value(toBridge(env, attributesOf(findAttribute(info, IFLA_INFO_DATA))))
                           : env.Null());
    link.Set("port", isPort
                         ? Napi::Value(toPort(env, attributesOf(findAttribute(info, IFLA_INFO_SLAVE_DATA))))
                         : env.Null());
    return link;
}

/** A question to a family of generic netlink, with room for its name. */
struct GenericQuestion {
    nlmsghdr header;
    genlmsghdr body;
    rtattr attribute;
    char name[GENL_NAMSIZ];
};

GenericQuestion makeGenericQuestion(uint16_t family, uint8_t command, uint8_t version, uint16_t flags) {
    GenericQuestion question = {};
    question.header.nlmsg_type = family;
    question.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    question.header.nlmsg_len = NLMSG_LENGTH(sizeof(genlmsghdr));
    question.body.cmd = command;
    question.body.version = version;
    return question;
}

/** The number of the family `netdev`; 0 where the kernel has none. */
uint16_t findNetdevFamily(NetlinkSocket &socket) {
    auto question = makeGenericQuestion(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
    question.attribute.rta_type = CTRL_ATTR_FAMILY_NAME;
    question.attribute.rta_len = RTA_LENGTH(sizeof(kNetdevFamily));
    memcpy(question.name, kNetdevFamily, sizeof(kNetdevFamily));
    question.header.nlmsg_len += RTA_ALIGN(question.attribute.rta_len);
    uint32_t family = 0;
    try {
        socket.ask(
            &question.header,
            [&](const nlmsghdr *message) {
                family =
                    readNumber(findAttribute(attributesOf(message, sizeof(genlmsghdr)), CTRL_ATTR_FAMILY_ID));
            },
            "cannot find the family netdev");
    } catch (const Failure &failure) {
        if (failure.code != ENOENT)
            throw;
    }
    return static_cast<uint16_t>(family);
}

Filter readFilter(const nlmsghdr *message) {
    auto *body = static_cast<const tcmsg *>(NLMSG_DATA(message));
    Attributes attributes = attributesOf(message, sizeof(tcmsg));
    Filter filter = {};
    filter.handle = body->tcm_handle;
    filter.priority = TC_H_MAJ(body->tcm_info) >> 16;
    filter.chain = readNumber(findAttribute(attributes, TCA_CHAIN));
    // The options of other kinds have other numbers.
    if (readText(findAttribute(attributes, TCA_KIND)) == "bpf")
        filter.program =
            readNumber(findAttribute(attributesOf(findAttribute(attributes, TCA_OPTIONS)), TCA_BPF_ID));
    return filter;
}

Question<tcmsg> makeTrafficQuestion(uint16_t type) {
    auto question = makeQuestion<tcmsg>(type, NLM_F_DUMP);
    question.body.tcm_family = AF_UNSPEC;
    return question;
}

} // namespace

Napi::Value listPorts(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    Napi::Array links;
    auto question = makeLinkQuestion(NLM_F_DUMP);
    dump(
        &question.header, [&] { links = Napi::Array::New(env); },
        [&](const nlmsghdr *message) { links.Set(links.Length(), toPortOf(env, message)); },
        "cannot list the ports of bridges");
    return links;
}

Napi::Value listXdpTargets(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    NetlinkSocket socket(0, NETLINK_GENERIC);
    uint16_t family = findNetdevFamily(socket);
    if (family == 0)
        return env.Null();
    Napi::Array devices = Napi::Array::New(env);
    auto question = makeGenericQuestion(family, kDeviceGet, kNetdevVersion, NLM_F_DUMP);
    socket.ask(
        &question.header,
        [&](const nlmsghdr *message) {
            Attributes attributes = attributesOf(message, sizeof(genlmsghdr));
            if ((readNumber(findAttribute(attributes, kDeviceXdpFeatures)) & kXdpNdoXmit) != 0)
                devices.Set(devices.Length(),
                            Napi::Number::New(env, readNumber(findAttribute(attributes, kDeviceIfindex))));
        },
        "cannot list what takes XDP frames");
    return devices;
}

Napi::Value listQdiscs(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    std::vector<Qdisc> qdiscs;
    auto question = makeTrafficQuestion(RTM_GETQDISC);
    dump(
        &question.header, [&] { qdiscs.clear(); },
        [&](const nlmsghdr *message) {
            auto *body = static_cast<const tcmsg *>(NLMSG_DATA(message));
            Attributes attributes = attributesOf(message, sizeof(tcmsg));
            qdiscs.push_back(Qdisc{static_cast<uint32_t>(body->tcm_ifindex),
                                   readText(findAttribute(attributes, TCA_KIND))});
        },
        "cannot list the queueing disciplines");
    Napi::Array result = Napi::Array::New(env, qdiscs.size());
    for (uint32_t i = 0; i < qdiscs.size(); i++) {
        Napi::Object entry = Napi::Object::New(env);
        entry.Set("ifindex", Napi::Number::New(env, qdiscs[i].ifindex));
        entry.Set("kind", Napi::String::New(env, qdiscs[i].kind));
        result.Set(i, entry);
    }
    return result;
}

Napi::Value listFilters(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    Napi::Object options = readObject(info[0], "options");
    std::vector<Filter> filters;
    auto question = makeTrafficQuestion(RTM_GETTFILTER);
    question.body.tcm_ifindex = static_cast<int>(readUint32(options.Get("ifindex"), "ifindex"));
    question.body.tcm_parent = readTcParent(options);
    dump(
        &question.header, [&] { filters.clear(); },
        [&](const nlmsghdr *message) {
            // The head of a priority comes by itself, without a handle.
            if (Filter filter = readFilter(message); filter.handle != 0)
                filters.push_back(filter);
        },
        "cannot list the filters");
    Napi::Array result = Napi::Array::New(env, filters.size());
    for (uint32_t i = 0; i < filters.size(); i++) {
        Napi::Object entry = Napi::Object::New(env);
        entry.Set("handle", Napi::Number::New(env, filters[i].handle));
        entry.Set("priority", Napi::Number::New(env, filters[i].priority));
        entry.Set("chain", Napi::Number::New(env, filters[i].chain));
        entry.Set("program", Napi::Number::New(env, filters[i].program));
        result.Set(i, entry);
    }
    return result;
}

Napi::Value stripsVlanTags(const Napi::CallbackInfo &info) {
    std::string device = readString(info[0], "device");
    const std::string attempt = "cannot tell whether " + device + " takes VLAN tags off";
    ethtool_value flags = {ETHTOOL_GFLAGS, 0};
    ifreq request = {};
    if (device.size() >= sizeof(request.ifr_name))
        throw Failure(ENODEV, attempt);
    memcpy(request.ifr_name, device.data(), device.size());
    request.ifr_data = reinterpret_cast<char *>(&flags);
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (socket.get() < 0)
        throw Failure::fromErrno(attempt);
    // What has no such features takes nothing off.
    if (ioctl(socket.get(), SIOCETHTOOL, &request) < 0 && errno != EOPNOTSUPP)
        throw Failure::fromErrno(attempt);
    return Napi::Boolean::New(info.Env(), (flags.data & ETH_FLAG_RXVLAN) != 0);
}

} // namespace ringwall
