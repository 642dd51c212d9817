// LinkMonitor: devices that come, change and go, as calls on the event loop.
#ifndef RINGWALL_MONITOR_H
#define RINGWALL_MONITOR_H

#include <memory>

#include "netlink.h"
#include "watcher.h"
#include "wrapped.h"

namespace ringwall {

class LinkMonitor : public Wrapped<LinkMonitor> {
  public:
    static constexpr napi_type_tag tag = {0x52696e6777616c6c, 0x0000000000000006};
    static constexpr const char *name = "LinkMonitor";

    static Napi::Function define(Napi::Env env);

    explicit LinkMonitor(const Napi::CallbackInfo &info);

    Napi::Value close(const Napi::CallbackInfo &info);

  private:
    void open(const Napi::CallbackInfo &info);
    void drain();
    /** Tells what one datagram says, or notes that some are lost. 0, or errno. */
    int take();
    /** Passes over the queue, which has gaps, and says so when it is empty. 0, or errno. */
    int skip();
    void tell(const nlmsghdr *message);
    void tellOverrun();
    void stop();

    std::unique_ptr<NetlinkSocket> socket_;
    std::unique_ptr<Watcher> watcher_;
    Napi::FunctionReference listener_;
    bool lost_ = false;     // events were lost, and the listener does not know it yet
    bool draining_ = false; // the socket is below us on the stack: it must not go
};

} // namespace ringwall

#endif
