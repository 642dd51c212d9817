// Questions to rtnetlink that have one attribute at most.
#ifndef RINGWALL_QUESTION_H
#define RINGWALL_QUESTION_H

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cerrno>

#include "error.h"
#include "netlink.h"

namespace ringwall {

/** A question: head, body, and room for one attribute of four bytes. */
template <class Body> struct Question {
    nlmsghdr header;
    Body body;
    rtattr attribute;
    uint32_t number;
};

template <class Body> Question<Body> makeQuestion(uint16_t type, uint16_t flags) {
    Question<Body> question = {};
    question.header.nlmsg_type = type;
    question.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    question.header.nlmsg_len = NLMSG_LENGTH(sizeof(Body));
    return question;
}

/** About links: without statistics, which are most of an answer's bytes. */
inline Question<ifinfomsg> makeLinkQuestion(uint16_t flags) {
    auto question = makeQuestion<ifinfomsg>(RTM_GETLINK, flags);
    static_assert(sizeof(ifinfomsg) % NLMSG_ALIGNTO == 0, "the attribute stands right behind the body");
    question.attribute.rta_type = IFLA_EXT_MASK;
    question.attribute.rta_len = RTA_LENGTH(sizeof(question.number));
    question.number = RTEXT_FILTER_SKIP_STATS;
    question.header.nlmsg_len += question.attribute.rta_len;
    return question;
}

/** Asks again while the answer was disturbed; each time begins anew with `reset`. */
template <class Reset>
void dump(nlmsghdr *request, const Reset &reset, const NetlinkSocket::OnMessage &onMessage,
          const char *attempt) {
    constexpr int disturbedAtMost = 32;
    for (int disturbed = 0;; disturbed++) {
        reset();
        try {
            NetlinkSocket(0).ask(request, onMessage, attempt);
            return;
        } catch (const Failure &failure) {
            if (failure.code != EINTR || disturbed == disturbedAtMost)
                throw;
        }
    }
}

} // namespace ringwall

#endif
