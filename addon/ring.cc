#include "ring.h"

#include "map.h"

namespace ringwall {

namespace {

// Records of one turn of the event loop: a flood of events must not starve timers and sockets.
constexpr int kRecordsPerTurn = 1024;

} // namespace

Napi::Function RingBuffer::define(Napi::Env env) {
    return DefineClass(env, name, {method<&RingBuffer::close>("close")});
}

RingBuffer::RingBuffer(const Napi::CallbackInfo &info) : Wrapped<RingBuffer>(info) {
    guard(info.Env(), [&] { open(info); });
}

void RingBuffer::open(const Napi::CallbackInfo &info) {
    BpfMap &map = BpfMap::from(info[0]);
    Napi::Function listener = readFunction(info[1], "onRecord");
    LogCapture log;
    ring_.reset(ring_buffer__new(map.fd(), onSample, this, nullptr));
    log.check(ring_ ? 0 : -errno, "cannot open the ring buffer " + map.shape().name);
    watcher_ = std::make_unique<Watcher>(
        info.Env(), "ringwall.RingBuffer", ring_buffer__epoll_fd(ring_.get()), [this] { drain(); },
        [this] { stop(); });
    listener_ = Napi::Persistent(listener);
    Ref(); // until stop(): the collector must not end a subscription
}

void RingBuffer::drain() {
    [[maybe_unused]] Napi::Value self = Value(); // keeps this alive when a listener closes it
    left_ = kRecordsPerTurn;
    draining_ = true;
    int result = ring_buffer__consume(ring_.get());
    draining_ = false;
    if (!watcher_)
        ring_.reset();
    else if (result < 0 && result != -ECANCELED)
        throw Failure(result, "cannot read the ring buffer");
}

int RingBuffer::onSample(void *context, void *data, size_t size) {
    auto *self = static_cast<RingBuffer *>(context);
    callListener(self->listener_, [=](Napi::Env env) { return toBytes(env, data, size); });
    // A negative answer ends the turn; libbpf counts this record as taken.
    return self->watcher_ && --self->left_ > 0 ? 0 : -ECANCELED;
}

void RingBuffer::stop() {
    if (!watcher_)
        return;
    watcher_.reset();
    if (!draining_)
        ring_.reset();
    listener_.Reset();
    Unref();
}

Napi::Value RingBuffer::close(const Napi::CallbackInfo &info) {
    stop();
    return info.Env().Undefined();
}

} // namespace ringwall
