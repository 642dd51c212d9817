#include "testrun.h"

#include <cerrno>

namespace ringwall {

namespace {

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
constexpr uint32_t BPF_F_TEST_XDP_LIVE_FRAMES = 1U << 1;
#endif

} // namespace

TestRun::TestRun(uint32_t type, uint32_t ifindex) : options_(), outputSize_(0), xdp_(), skb_() {
    options_.sz = sizeof(options_);
    options_.repeat = 1;
    if (type == BPF_PROG_TYPE_XDP && ifindex != 0) {
        xdp_.ingress_ifindex = ifindex;
        options_.ctx_in = &xdp_;
        options_.ctx_size_in = sizeof(xdp_);
    }
    if ((type == BPF_PROG_TYPE_SCHED_CLS || type == BPF_PROG_TYPE_SCHED_ACT) && ifindex != 0) {
        skb_.ifindex = ifindex;
        options_.ctx_in = &skb_;
        options_.ctx_size_in = sizeof(skb_);
    }
}

void TestRun::setData(const void *data, uint32_t size) {
    options_.data_in = data;
    options_.data_size_in = size;
    xdp_.data_end = size;
}

void TestRun::setOutput(void *data, uint32_t size) {
    options_.data_out = data;
    outputSize_ = size;
}

void TestRun::setRepeat(uint32_t repeat) {
    options_.repeat = static_cast<int>(repeat);
}

void TestRun::setLive(uint32_t batch) {
    options_.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options_.batch_size = batch;
}

int TestRun::run(int program) {
    // Both are answers, too: left as they came back, they would bound the next packet (ENOSPC).
    options_.data_size_out = outputSize_;
    options_.ctx_size_out = 0;
    return bpf_prog_test_run_opts(program, &options_) < 0 ? errno : 0;
}

} // namespace ringwall
