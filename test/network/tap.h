/* Tap devices in namespaces, as a virtual machine monitor makes them. */
#pragma once
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* Its descriptor does not block; a device that was not there before goes with it. */
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
