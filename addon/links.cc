// The questions about links and addresses, and their answers in JavaScript.
#include "netlink.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>
#include <cstdio>

#include "arguments.h"
#include "attributes.h"
#include "question.h"

namespace ringwall {

namespace {

std::string formatMac(const rtattr *attribute) {
    constexpr size_t length = 6;
    if (attribute == nullptr || RTA_PAYLOAD(attribute) != length)
        return "";
    auto *b = static_cast<const uint8_t *>(RTA_DATA(attribute));
    if (std::all_of(b, b + length, [](uint8_t byte) { return byte == 0; }))
        return "";
    char text[18];
    snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    return text;
}

uint32_t readXdpProgram(const rtattr *nest) {
    for (uint16_t type :
         {IFLA_XDP_PROG_ID, IFLA_XDP_DRV_PROG_ID, IFLA_XDP_SKB_PROG_ID, IFLA_XDP_HW_PROG_ID}) {
        if (uint32_t id = readNumber(findAttribute(attributesOf(nest), type)))
            return id;
    }
    return 0;
}

/** A number that names a device. Throws Failure (ENODEV) for what cannot be one. */
int readDevice(const Napi::Value &value) {
    uint32_t ifindex = readUint32(value, "ifindex");
    if (ifindex == 0 || ifindex > INT32_MAX)
        throw Failure(ENODEV, "there is no device with ifindex " + std::to_string(ifindex));
    return static_cast<int>(ifindex);
}

/** Nothing where the kernel does not say. */
std::optional<bool> askWhetherUp(NetlinkSocket &socket, int ifindex) {
    std::optional<bool> up;
    auto question = makeLinkQuestion(0);
    question.body.ifi_index = ifindex;
    try {
        socket.ask(
            &question.header,
            [&](const nlmsghdr *message) {
                if (message->nlmsg_len >= NLMSG_LENGTH(sizeof(ifinfomsg)))
                    up = (static_cast<const ifinfomsg *>(NLMSG_DATA(message))->ifi_flags & IFF_UP) != 0;
            },
            "cannot ask for the device with ifindex " + std::to_string(ifindex));
    } catch (const Failure &) {
        return std::nullopt;
    }
    return up;
}

} // namespace

std::optional<LinkInfo> parseLink(const nlmsghdr *message) {
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg)))
        return std::nullopt;
    auto *body = static_cast<const ifinfomsg *>(NLMSG_DATA(message));
    Attributes attributes = attributesOf(message, sizeof(ifinfomsg));
    const rtattr *deviceName = findAttribute(attributes, IFLA_IFNAME);
    if (body->ifi_family != AF_UNSPEC || deviceName == nullptr || findAttribute(attributes, IFLA_WIRELESS))
        return std::nullopt;
    LinkInfo link;
    link.ifindex = static_cast<uint32_t>(body->ifi_index);
    link.name = readText(deviceName);
    link.mac = formatMac(findAttribute(attributes, IFLA_ADDRESS));
    link.mtu = readNumber(findAttribute(attributes, IFLA_MTU));
    link.up = (body->ifi_flags & IFF_UP) != 0;
    link.kind =
        readText(findAttribute(attributesOf(findAttribute(attributes, IFLA_LINKINFO)), IFLA_INFO_KIND));
    link.master = readNumber(findAttribute(attributes, IFLA_MASTER));
    link.lower = readNumber(findAttribute(attributes, IFLA_LINK));
    link.ethernet = body->ifi_type == ARPHRD_ETHER;
    link.loopback = (body->ifi_flags & IFF_LOOPBACK) != 0;
    link.xdpProgram = readXdpProgram(findAttribute(attributes, IFLA_XDP));
    return link;
}

Napi::Object toLink(Napi::Env env, const LinkInfo &link) {
    Napi::Object result = Napi::Object::New(env);
    result.Set("ifindex", Napi::Number::New(env, link.ifindex));
    result.Set("name", Napi::String::New(env, link.name));
    result.Set("mac", Napi::String::New(env, link.mac));
    result.Set("mtu", Napi::Number::New(env, link.mtu));
    result.Set("up", Napi::Boolean::New(env, link.up));
    result.Set("kind", Napi::String::New(env, link.kind));
    result.Set("master", Napi::Number::New(env, link.master));
    result.Set("lower", Napi::Number::New(env, link.lower));
    result.Set("ethernet", Napi::Boolean::New(env, link.ethernet));
    result.Set("loopback", Napi::Boolean::New(env, link.loopback));
    result.Set("xdp", Napi::Number::New(env, link.xdpProgram));
    return result;
}

Napi::Value listLinks(const Napi::CallbackInfo &info) {
    std::vector<LinkInfo> links;
    auto question = makeLinkQuestion(NLM_F_DUMP);
    dump(
        &question.header, [&] { links.clear(); },
        [&](const nlmsghdr *message) {
            if (auto link = parseLink(message))
                links.push_back(*link);
        },
        "cannot list the links");
    Napi::Array result = Napi::Array::New(info.Env(), links.size());
    for (uint32_t i = 0; i < links.size(); i++)
        result.Set(i, toLink(info.Env(), links[i]));
    return result;
}

Napi::Value setLinkUp(const Napi::CallbackInfo &info) {
    int ifindex = readDevice(info[0]);
    bool up = readBoolean(info[1], "up");
    NetlinkSocket socket(0);
    bool wasUp = askWhetherUp(socket, ifindex).value_or(!up);
    auto question = makeQuestion<ifinfomsg>(RTM_SETLINK, NLM_F_ACK);
    question.body.ifi_index = ifindex;
    question.body.ifi_flags = up ? IFF_UP : 0;
    question.body.ifi_change = IFF_UP;
    socket.ask(
        &question.header, [](const nlmsghdr *) {},
        std::string("cannot set the device with ifindex ") + std::to_string(ifindex) +
            (up ? " up" : " down"));
    return Napi::Boolean::New(info.Env(), wasUp != up);
}

Napi::Value listAddresses(const Napi::CallbackInfo &info) {
    struct Address {
        uint32_t ifindex;
        std::string text;
    };
    std::vector<Address> addresses;
    auto question = makeQuestion<ifaddrmsg>(RTM_GETADDR, NLM_F_DUMP);
    dump(
        &question.header, [&] { addresses.clear(); },
        [&](const nlmsghdr *message) {
            if (message->nlmsg_len < NLMSG_LENGTH(sizeof(ifaddrmsg)))
                return;
            auto *body = static_cast<const ifaddrmsg *>(NLMSG_DATA(message));
            Attributes attributes = attributesOf(message, sizeof(ifaddrmsg));
            // On a point-to-point device IFA_ADDRESS is the peer's.
            const rtattr *local = findAttribute(attributes, IFA_LOCAL);
            const rtattr *address = local != nullptr ? local : findAttribute(attributes, IFA_ADDRESS);
            size_t size = body->ifa_family == AF_INET ? 4 : 16;
            char text[INET6_ADDRSTRLEN];
            if (address != nullptr && RTA_PAYLOAD(address) == size &&
                inet_ntop(body->ifa_family, RTA_DATA(address), text, sizeof(text)) != nullptr)
                addresses.push_back(Address{body->ifa_index, text});
        },
        "cannot list the addresses");
    Napi::Array result = Napi::Array::New(info.Env(), addresses.size());
    for (uint32_t i = 0; i < addresses.size(); i++) {
        Napi::Object entry = Napi::Object::New(info.Env());
        entry.Set("ifindex", Napi::Number::New(info.Env(), addresses[i].ifindex));
        entry.Set("address", Napi::String::New(info.Env(), addresses[i].text));
        result.Set(i, entry);
    }
    return result;
}

Napi::Value queryXdp(const Napi::CallbackInfo &info) {
    int ifindex = readDevice(info[0]);
    uint32_t program = 0;
    auto question = makeLinkQuestion(0);
    question.body.ifi_index = ifindex;
    NetlinkSocket(0).ask(
        &question.header,
        [&](const nlmsghdr *message) {
            if (auto link = parseLink(message))
                program = link->xdpProgram;
        },
        "cannot query the device with ifindex " + std::to_string(ifindex));
    return Napi::Number::New(info.Env(), program);
}

} // namespace ringwall
