// BPF_PROG_TEST_RUN: packets through a program, without a device's queues.
#ifndef RINGWALL_TESTRUN_H
#define RINGWALL_TESTRUN_H

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <cstdint>

namespace ringwall {

/**
 * The options of test runs of one program, built once; each packet changes data and size only. The context
 * gives the device that the packet came in on.
 */
class TestRun {
  public:
    /** `type`: enum bpf_prog_type; only XDP and tc programs take a context. `ifindex` 0: the kernel's own. */
    TestRun(uint32_t type, uint32_t ifindex);
    TestRun(const TestRun &) = delete;
    TestRun &operator=(const TestRun &) = delete;

    void setData(const void *data, uint32_t size);
    void setOutput(void *data, uint32_t size);
    void setRepeat(uint32_t repeat);
    /** Frames that really travel; `batch` 0: the kernel's default (64). */
    void setLive(uint32_t batch);

    /** Runs. Returns 0 or errno. */
    int run(int program);

    int32_t result() const {
        return static_cast<int32_t>(options_.retval);
    }
    uint32_t duration() const {
        return options_.duration;
    }
    uint32_t outputSize() const {
        return options_.data_size_out;
    }

  private:
    bpf_test_run_opts options_;
    uint32_t outputSize_; // room for the packet that comes back
    xdp_md xdp_;
    __sk_buff skb_;
};

} // namespace ringwall

#endif
