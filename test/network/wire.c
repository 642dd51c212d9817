/* The cable between two tap devices, each in a namespace: what one kernel sends, the other receives.
 *
 *   wire NETNS DEVICE NETNS DEVICE ...      (pairs; paths of namespaces)
 *
 * Makes the devices (IFF_VNET_HDR, as a virtual machine monitor does), says "ready", and carries frames until
 * its standard input ends. The devices go with it.
 */
#include "tap.h"
#include <poll.h>

enum { ENDS_MAX = 32, FRAME_MAX = 1 << 17 };

static char frame[FRAME_MAX];

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
