#include "iterator.h"

#include <bpf/bpf.h>

#include "error.h"
#include "handle.h"

namespace ringwall {

namespace {

/** The kernel hands over no more at once (a bpf_seq_file's buffer is 8 pages). */
constexpr size_t kPiece = 32768;

} // namespace

std::vector<uint8_t> readIterator(int program, int map) {
    LogCapture log;
    bpf_iter_link_info over = {};
    over.map.map_fd = static_cast<uint32_t>(map);
    LIBBPF_OPTS(bpf_link_create_opts, create, .iter_info = map < 0 ? nullptr : &over,
                .iter_info_len = map < 0 ? 0 : static_cast<uint32_t>(sizeof(over)));
    Fd link(bpf_link_create(program, 0, BPF_TRACE_ITER, &create));
    log.check(link.get() < 0 ? -errno : 0, "cannot run an iterator");
    Fd stream(bpf_iter_create(link.get()));
    log.check(stream.get() < 0 ? -errno : 0, "cannot open an iterator");
    std::vector<uint8_t> written;
    size_t size = 0;
    for (;;) {
        written.resize(size + kPiece);
        ssize_t count = read(stream.get(), written.data() + size, kPiece);
        // EAGAIN: it has seen many objects and wrote nothing of them; it goes on from there.
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (count < 0)
            throw Failure::fromErrno("cannot read an iterator");
        if (count == 0)
            break;
        size += static_cast<size_t>(count);
    }
    written.resize(size);
    return written;
}

} // namespace ringwall
