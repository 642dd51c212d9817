// RingBuffer: records of a BPF ring buffer, as calls on the event loop.
#ifndef RINGWALL_RING_H
#define RINGWALL_RING_H

#include <bpf/libbpf.h>

#include <memory>

#include "watcher.h"
#include "wrapped.h"

namespace ringwall {

class RingBuffer : public Wrapped<RingBuffer> {
  public:
    static constexpr napi_type_tag tag = {0x52696e6777616c6c, 0x0000000000000005};
    static constexpr const char *name = "RingBuffer";

    static Napi::Function define(Napi::Env env);

    explicit RingBuffer(const Napi::CallbackInfo &info);

    Napi::Value close(const Napi::CallbackInfo &info);

  private:
    struct Closer {
        void operator()(ring_buffer *ring) const {
            ring_buffer__free(ring);
        }
    };

    static int onSample(void *context, void *data, size_t size);
    void open(const Napi::CallbackInfo &info);
    void drain();
    void stop();

    std::unique_ptr<ring_buffer, Closer> ring_;
    std::unique_ptr<Watcher> watcher_;
    Napi::FunctionReference listener_;
    int left_ = 0;          // records that this turn of the loop may still take
    bool draining_ = false; // libbpf is below us on the stack: it must not be freed
};

} // namespace ringwall

#endif
