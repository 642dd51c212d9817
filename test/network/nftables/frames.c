/* Sends frames into both ends of a firewall and hears what comes out at the other end.
 *
 *   frames NETNS_FAR NETNS_GUEST        (each has a device eth0; paths of namespaces)
 *
 * Standard input, a line each: `F HEX` sends a frame at the far end, `G HEX` at the guest's, `?` waits until
 * the last frame of either kind has come out at the other end (it has to be one that the firewall lets
 * through), and answers with the tags of all that came out: a line of numbers. A frame's tag is the
 * big-endian 32-bit number behind the text "RW-TAG" in it. All is on one CPU, so that frames stay in order on
 * their way.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FAR = 0, GUEST = 1, ENDS = 2, FRAME_MAX = 2048, LINE_MAX_BYTES = 3 * FRAME_MAX, WAIT_SECONDS = 120 };

static const char mark[] = "RW-TAG";

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int open_end(const char *netns) {
    int fd = open(netns, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, 0) != 0)
        fail(netns);
    close(fd);
    int end = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    if (end < 0)
        fail("socket");
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)if_nametoindex("eth0"),
    };
    if (bind(end, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("bind");
    int bytes = 64 << 20;
    setsockopt(end, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    return end;
}

static unsigned char frame[FRAME_MAX];

static size_t read_hex(const char *text) {
    size_t length = 0;
    unsigned int byte;
    while (length < FRAME_MAX && sscanf(text + 2 * length, "%2x", &byte) == 1)
        frame[length++] = (unsigned char)byte;
    return length;
}

/* -1: the frame has no tag */
static long tag_of(const unsigned char *bytes, size_t length) {
    const unsigned char *at = memmem(bytes, length, mark, sizeof(mark) - 1);
    if (!at || at + sizeof(mark) - 1 + 4 > bytes + length)
        return -1;
    at += sizeof(mark) - 1;
    return (long)((unsigned long)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]);
}

static void hear(const int ends[ENDS], long last[ENDS]) {
    time_t until = time(NULL) + WAIT_SECONDS;
    while (last[FAR] >= 0 || last[GUEST] >= 0) {
        struct pollfd polled[ENDS] = {{.fd = ends[FAR], .events = POLLIN},
                                      {.fd = ends[GUEST], .events = POLLIN}};
        if (time(NULL) > until) {
            fprintf(stderr, "frames: a last frame did not come out\n");
            exit(1);
        }
        if (poll(polled, ENDS, 1000) <= 0)
            continue;
        for (int end = 0; end < ENDS; end++) {
            if (!(polled[end].revents & POLLIN))
                continue;
            struct sockaddr_ll from;
            socklen_t size = sizeof(from);
            ssize_t length = recvfrom(ends[end], frame, sizeof(frame), 0, (struct sockaddr *)&from, &size);
            if (length < 0)
                fail("recvfrom");
            if (from.sll_pkttype == PACKET_OUTGOING)
                continue;
            long tag = tag_of(frame, (size_t)length);
            if (tag < 0)
                continue;
            printf("%ld ", tag);
            /* What the far end sends comes out at the guest. */
            if (tag == last[1 - end])
                last[1 - end] = -1;
        }
    }
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 1 + ENDS)
        return 64;
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(sched_getcpu(), &cpus);
    if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
        fail("sched_setaffinity");
    const int ends[ENDS] = {open_end(argv[1 + FAR]), open_end(argv[1 + GUEST])};
    long last[ENDS] = {-1, -1};
    static char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof(line), stdin)) {
        if (line[0] == '?') {
            hear(ends, last);
            continue;
        }
        int end = line[0] == 'F' ? FAR : GUEST;
        size_t length = read_hex(line + 2);
        if (send(ends[end], frame, length, 0) != (ssize_t)length)
            fail("send");
        last[end] = tag_of(frame, length);
    }
    return 0;
}
