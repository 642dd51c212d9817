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
    for (int i = 0; i < kDatagramsPerTurn && watcher_; i++) {
        int error = socket_->listen([this](const nlmsghdr *message) { tell(message); });
        if (error == EAGAIN)
            return;
        if (error == ENOBUFS || error == EMSGSIZE)
            tellOverrun();
        else if (error != 0) {
            stop();
            throw Failure(error, "cannot listen to changes of links");
        }
    }
}

void LinkMonitor::tell(const nlmsghdr *message) {
    bool gone = message->nlmsg_type == RTM_DELLINK;
    if (!watcher_ || (!gone && message->nlmsg_type != RTM_NEWLINK))
        return;
    std::optional<LinkInfo> link = parseLink(message);
    if (!link)
        return;
    Napi::Env env = Env();
    Napi::HandleScope scope(env);
    Napi::Object event = Napi::Object::New(env);
    event.Set("type", Napi::String::New(env, gone ? "gone" : "new"));
    if (gone) {
        event.Set("ifindex", Napi::Number::New(env, link->ifindex));
        event.Set("name", Napi::String::New(env, link->name));
    } else {
        event.Set("link", toLink(env, *link));
    }
    callListener(listener_, event);
}

void LinkMonitor::tellOverrun() {
    Napi::HandleScope scope(Env());
    Napi::Object event = Napi::Object::New(Env());
    event.Set("type", Napi::String::New(Env(), "overrun"));
    callListener(listener_, event);
}

void LinkMonitor::stop() {
    if (!watcher_)
        return;
    watcher_.reset(); // the socket stays until this object goes: drain() may be reading it
    listener_.Reset();
    Unref();
}

Napi::Value LinkMonitor::close(const Napi::CallbackInfo &info) {
    stop();
    return info.Env().Undefined();
}

} // namespace ringwall
