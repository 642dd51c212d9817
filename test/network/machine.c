/* A virtual machine that does nothing but flood: it holds its tap device, takes what is sent to it, and
 * writes frames as fast as the host judges them.
 *
 *   machine NETNS DEVICE      (path of the namespace)
 *
 * Makes the device where it is not there, says "ready", and lives until its standard input ends. A line
 * `LOW HIGH FIRST COUNT HEX` is COUNT frames, numbered from FIRST: the low 16 bits at the place LOW of the
 * frame, the high ones at HIGH. The answer is how many the device took.
 */
#include "tap.h"
#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <poll.h>

enum { FRAME_MAX = 2048, LINE_BYTES = 3 * FRAME_MAX, HEADER_BYTES = sizeof(struct virtio_net_hdr) };

struct flood {
    unsigned int low, high, first, count;
    size_t length;
};

/* The header says nothing: no offload. */
static unsigned char frame[HEADER_BYTES + FRAME_MAX];

static int read_flood(const char *line, struct flood *flood) {
    unsigned int byte;
    int head = 0;

    flood->length = 0;
    if (sscanf(line, "%u %u %u %u %n", &flood->low, &flood->high, &flood->first, &flood->count, &head) != 4)
        return -1;
    for (line += head; flood->length < FRAME_MAX && sscanf(line, "%2x", &byte) == 1; line += 2)
        frame[HEADER_BYTES + flood->length++] = (unsigned char)byte;
    return flood->low + 2 <= flood->length && flood->high + 2 <= flood->length ? 0 : -1;
}

static void write16(unsigned int place, unsigned int value) {
    unsigned short number = htons((unsigned short)value);

    memcpy(frame + HEADER_BYTES + place, &number, sizeof(number));
}

static unsigned int send_flood(int tap, const struct flood *flood) {
    ssize_t length = (ssize_t)(HEADER_BYTES + flood->length);
    unsigned int taken = 0;

    for (unsigned int index = 0; index < flood->count; index++) {
        write16(flood->low, flood->first + index);
        write16(flood->high, (flood->first + index) >> 16);
        taken += write(tap, frame, (size_t)length) == length;
    }
    return taken;
}

int main(int argc, char **argv) {
    static char line[LINE_BYTES], heard[1 << 17];
    struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    struct flood flood;

    if (argc != 3)
        return 64;
    polled[1] = (struct pollfd){.fd = make_tap(argv[1], argv[2]), .events = POLLIN};
    setvbuf(stdin, NULL, _IONBF, 0);
    printf("ready\n");
    fflush(stdout);
    while (poll(polled, 2, -1) > 0) {
        if (polled[1].revents & POLLIN && read(polled[1].fd, heard, sizeof(heard)) < 0)
            continue;
        if (!polled[0].revents)
            continue;
        if (!fgets(line, sizeof(line), stdin))
            return 0;
        if (read_flood(line, &flood) != 0)
            return 64;
        printf("%u\n", send_flood(polled[1].fd, &flood));
        fflush(stdout);
    }
    return 1;
}
