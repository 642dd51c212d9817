#include "attributes.h"

#include <cstring>

namespace ringwall {

Attributes attributesOf(const nlmsghdr *message, size_t skipped) {
    size_t head = NLMSG_HDRLEN + NLMSG_ALIGN(skipped);
    if (message->nlmsg_len < head)
        return Attributes{nullptr, 0};
    auto *bytes = reinterpret_cast<const char *>(message);
    return Attributes{reinterpret_cast<const rtattr *>(bytes + head),
                      static_cast<int>(message->nlmsg_len - head)};
}

Attributes attributesOf(const rtattr *nest) {
    if (nest == nullptr)
        return Attributes{nullptr, 0};
    return Attributes{static_cast<const rtattr *>(RTA_DATA(nest)), static_cast<int>(RTA_PAYLOAD(nest))};
}

const rtattr *findAttribute(Attributes attributes, uint16_t type) {
    int left = attributes.length;
    for (const rtattr *at = attributes.first; at != nullptr && RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        if ((at->rta_type & NLA_TYPE_MASK) == type)
            return at;
    }
    return nullptr;
}

std::string readText(const rtattr *attribute) {
    if (attribute == nullptr)
        return "";
    auto *text = static_cast<const char *>(RTA_DATA(attribute));
    return std::string(text, strnlen(text, RTA_PAYLOAD(attribute)));
}

namespace {

template <class Number> uint32_t readAs(const rtattr *attribute) {
    Number number = 0;
    memcpy(&number, RTA_DATA(attribute), sizeof(number));
    return static_cast<uint32_t>(number);
}

} // namespace

uint32_t readNumber(const rtattr *attribute) {
    if (attribute == nullptr)
        return 0;
    switch (RTA_PAYLOAD(attribute)) {
    case sizeof(uint8_t):
        return readAs<uint8_t>(attribute);
    case sizeof(uint16_t):
        return readAs<uint16_t>(attribute);
    case sizeof(uint32_t):
        return readAs<uint32_t>(attribute);
    case sizeof(uint64_t):
        return readAs<uint64_t>(attribute);
    default:
        return 0;
    }
}

} // namespace ringwall
