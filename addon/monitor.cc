#include "monitor.h"

#include <linux/rtnetlink.h>

namespace ringwall {

namespace {

// Datagrams of one turn of the event loop: a storm of devices must not starve timers and sockets.
constexpr int kDatagramsPerTurn = 256;

} // namespace

Napi::Function LinkMonitor::define(Napi::Env env) {
    return DefineClass(env, name, {method<&LinkMonitor::close>("close")});
}

LinkMonitor::LinkMonitor(const Napi::CallbackInfo &info) : Wrapped<LinkMonitor>(info) {
    guard(info.Env(), [&] { open(info); });
}

void LinkMonitor::open(const Napi::CallbackInfo &info) {
    Napi::Function listener = readFunction(info[0], "onEvent");
    socket_ = std::make_unique<NetlinkSocket>(RTMGRP_LINK);
    watcher_ = std::make_unique<Watcher>(
        info.Env(), "ringwall.LinkMonitor", socket_->fd(), [this] { drain(); }, [this] { stop(); });
    listener_ = Napi::Persistent(listener);
    Ref(); // until stop(): the collector must not end a subscription
}

void LinkMonitor::drain() {
    [[maybe_unused]] Napi::Value self = Value(); // keeps this alive when a listener closes it
    draining_ = true;
    int error = 0;
    for (int i = 0; i < kDatagramsPerTurn && error == 0 && watcher_; i++)
        error = lost_ ? skip() : take();
    draining_ = false;
    bool failed = error != 0 && error != EAGAIN;
    if (failed)
        stop();
    if (!watcher_)
        socket_.reset();
    if (failed)
        throw Failure(error, "cannot listen to changes of links");
}

int LinkMonitor::take() {
    int error = socket_->listen([this](const nlmsghdr *message) { tell(message); });
    lost_ = error == ENOBUFS || error == EMSGSIZE;
    return lost_ ? 0 : error;
}

int LinkMonitor::skip() {
    // Once the kernel has dropped an event it drops all, without a further word, until the queue is empty
    // (NETLINK_S_CONGESTED in net/netlink/af_netlink.c). A listener told before would list the links too
    // early.
    int error = 0;
    while (error == 0 || error == ENOBUFS || error == EMSGSIZE)
        error = socket_->listen([](const nlmsghdr *) {});
    if (error == EAGAIN) {
        lost_ = false;
        tellOverrun();
    }
    return error;
}

void LinkMonitor::tell(const nlmsghdr *message) {
    bool gone = message->nlmsg_type == RTM_DELLINK;
    if (!watcher_ || (!gone && message->nlmsg_type != RTM_NEWLINK))
        return;
    std::optional<LinkInfo> link = parseLink(message);
    if (!link)
        return;
    callListener(listener_, [&](Napi::Env env) {
        Napi::Object event = Napi::Object::New(env);
        event.Set("type", Napi::String::New(env, gone ? "gone" : "new"));
        if (gone) {
            event.Set("ifindex", Napi::Number::New(env, link->ifindex));
            event.Set("name", Napi::String::New(env, link->name));
        } else {
            event.Set("link", toLink(env, *link));
        }
        return event;
    });
}

void LinkMonitor::tellOverrun() {
    callListener(listener_, [](Napi::Env env) {
        Napi::Object event = Napi::Object::New(env);
        event.Set("type", Napi::String::New(env, "overrun"));
        return event;
    });
}

void LinkMonitor::stop() {
    if (!watcher_)
        return;
    watcher_.reset();
    if (!draining_)
        socket_.reset();
    listener_.Reset();
    Unref();
}

Napi::Value LinkMonitor::close(const Napi::CallbackInfo &info) {
    stop();
    return info.Env().Undefined();
}

} // namespace ringwall
