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

uint32_t readNumber(const rtattr *attribute) {
    uint32_t number = 0;
    if (attribute != nullptr && RTA_PAYLOAD(attribute) >= sizeof(number))
        memcpy(&number, RTA_DATA(attribute), sizeof(number));
    return number;
}

} // namespace ringwall
