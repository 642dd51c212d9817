/* The cable between two tap devices, each in a namespace: what one kernel sends, the other receives.
 *
 *   wire NETNS DEVICE NETNS DEVICE ...      (pairs; paths of namespaces)
 *
 * Makes the devices (IFF_VNET_HDR, as a virtual machine monitor does), says "ready", and carries frames until
 * its standard input ends. The devices go with it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ENDS_MAX = 32, FRAME_MAX = 1 << 17 };

static char frame[FRAME_MAX];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int make_tap(const char *netns, const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int there = open(netns, O_RDONLY | O_CLOEXEC);
    int tap;

    if (home < 0 || there < 0 || setns(there, 0) != 0)
        fail(netns);
    tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap < 0)
        fail("/dev/net/tun");
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (ioctl(tap, TUNSETIFF, &request) != 0)
        fail(name);
    if (setns(home, 0) != 0)
        fail("setns");
    close(home);
    close(there);
    return tap;
}

int main(int argc, char **argv) {
    struct pollfd polled[ENDS_MAX + 1];
    int ends = (argc - 1) / 2;

    if (argc < 5 || ends % 2 || ends > ENDS_MAX || argc != 1 + 2 * ends)
        return 64;
    for (int end = 0; end < ends; end++)
        polled[end] = (struct pollfd){.fd = make_tap(argv[1 + 2 * end], argv[2 + 2 * end]), .events = POLLIN};
    polled[ends] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    printf("ready\n");
    fflush(stdout);
    while (poll(polled, (nfds_t)ends + 1, -1) > 0) {
        char nothing;

        if (polled[ends].revents && read(STDIN_FILENO, &nothing, 1) <= 0)
            return 0;
        for (int end = 0; end < ends; end++) {
            ssize_t length = polled[end].revents & POLLIN ? read(polled[end].fd, frame, FRAME_MAX) : -1;

            /* A device that is down takes nothing; that is no fault of the wire. */
            if (length > 0 && write(polled[end ^ 1].fd, frame, (size_t)length) != length)
                continue;
        }
    }
    return 1;
}
