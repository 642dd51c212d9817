// Netlink attributes: bounds-checked walks over what the kernel sent.
#ifndef RINGWALL_ATTRIBUTES_H
#define RINGWALL_ATTRIBUTES_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace ringwall {

/** A run of attributes; nothing where `first` is null. */
struct Attributes {
    const rtattr *first;
    int length;
};

/** The attributes behind the first `skipped` bytes of a message's payload. */
Attributes attributesOf(const nlmsghdr *message, size_t skipped);
/** The attributes inside one. */
Attributes attributesOf(const rtattr *nest);
/** The first attribute of this type (flag bits aside), or null. */
const rtattr *findAttribute(Attributes attributes, uint16_t type);
/** Null gives "", 0: absent is what the kernel means by it. */
std::string readText(const rtattr *attribute);
/** Of 1, 2, 4 or 8 bytes in the host's order; the lower 32 bits. */
uint32_t readNumber(const rtattr *attribute);

} // namespace ringwall

#endif
