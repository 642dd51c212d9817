/* A client and a server with stacks of their own, talking TCP through what stands between them.
 *
 *   talk NETNS_CLIENT NETNS_SERVER ADDRESS PORT     (paths of namespaces; the server's address)
 *
 * Standard input, a line each: WAY CONNECTIONS MILLISECONDS. Answer, a line each: how much was done, and in
 * how many nanoseconds.
 *
 *   bulk     the client sends without pause: bytes that the server read
 *   ask      one byte there and one back, again and again: answers
 *   connect  connect, one byte there and one back, close: connections
 *
 * The server closes first: whoever does keeps the port for a minute (TIME_WAIT). At the client's end ports
 * would run out within seconds, and connect() would be measured looking for a free one.
 *
 * Of connections side by side each has a client, a server and a port of its own (PORT and those behind it).
 * Both are bound to one CPU, the next connection's to the next one: where a scheduler puts the two ends makes
 * more of a difference than all that may stand between them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 16, BULK_BYTES = 128 << 10, BACKLOG = 1024 };

/* What a client wants, its first byte: its connection goes on, or is one of many. */
enum want { WANT_BULK = 'b', WANT_ECHO = 'e', WANT_ONE = '1' };

/* Of each client, shared with the parent. */
struct progress {
    uint64_t done;
};
static struct progress *progress;
static struct sockaddr_in server;
static int first_port;
/* A server writes a byte once it listens. */
static int ready[2];
static char bytes[BULK_BYTES];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

static void enter(const char *netns) {
    int fd = open(netns, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, 0) != 0)
        fail(netns);
    close(fd);
}

static void set(int fd, int level, int option, int value) {
    if (setsockopt(fd, level, option, &value, sizeof(value)) != 0)
        fail("setsockopt");
}

/* The CPU of a connection's ends. */
static void bind_to_cpu(int connection) {
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)(cpus - 1 - connection % cpus), &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        fail("sched_setaffinity");
}

static in_port_t port_of(int connection) {
    return htons((uint16_t)(first_port + connection));
}

static int listen_here(int connection) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = port_of(connection)};
    if (fd < 0)
        fail("socket");
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(fd, BACKLOG) != 0)
        fail("listen");
    return fd;
}

/* How many bytes were read is told to the client at the end. */
static void serve_bulk(int fd) {
    uint64_t total = 0;
    ssize_t got;
    while ((got = read(fd, bytes, sizeof(bytes))) > 0)
        total += (uint64_t)got;
    if (write(fd, &total, sizeof(total)) != sizeof(total))
        exit(1);
}

static void serve_echo(int fd) {
    ssize_t got;
    while ((got = read(fd, bytes, 1)) == 1)
        if (write(fd, bytes, 1) != 1)
            return;
}

/* Connections one after another: what connects again and again is never two at once. */
static void serve(int connection) {
    int listening = listen_here(connection);

    if (write(ready[1], "", 1) != 1)
        fail("write");
    for (;;) {
        int fd = accept(listening, NULL, NULL);
        char want;
        if (fd < 0)
            fail("accept");
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        if (read(fd, &want, 1) == 1) {
            if (want == WANT_BULK)
                serve_bulk(fd);
            else if (write(fd, &want, 1) == 1 && want == WANT_ECHO)
                serve_echo(fd);
        }
        close(fd);
    }
}

static int connect_there(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket");
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (connect(fd, (struct sockaddr *)&server, sizeof(server)) != 0)
        fail("connect");
    return fd;
}

/* A byte there and one back. */
static void ask(int fd, char what) {
    if (write(fd, &what, 1) != 1 || read(fd, &what, 1) != 1)
        fail("ask");
}

static void send_bulk(struct progress *mine, uint64_t until) {
    int fd = connect_there();
    char want = WANT_BULK;
    uint64_t total = 0;
    if (write(fd, &want, 1) != 1)
        fail("write");
    while (now() < until)
        if (write(fd, bytes, sizeof(bytes)) <= 0)
            fail("write");
    shutdown(fd, SHUT_WR);
    if (read(fd, &total, sizeof(total)) != sizeof(total))
        fail("read");
    mine->done = total;
    close(fd);
}

static void send_asks(struct progress *mine, uint64_t until) {
    int fd = connect_there();
    /* Once at least: a figure of nothing is none. */
    do {
        ask(fd, WANT_ECHO);
        mine->done++;
    } while (now() < until);
    close(fd);
}

static void send_connections(struct progress *mine, uint64_t until) {
    do {
        int fd = connect_there();
        char end;
        ask(fd, WANT_ONE);
        if (read(fd, &end, 1) != 0)
            fail("end");
        close(fd);
        mine->done++;
    } while (now() < until);
}

/* One run: clients side by side, until all have ended. */
static void run(const char *way, int connections, uint64_t milliseconds) {
    uint64_t begin = now(), until = begin + milliseconds * 1000000ULL, done = 0;
    memset(progress, 0, CONNECTIONS_MAX * sizeof(*progress));
    for (int client = 0; client < connections; client++) {
        pid_t child = fork();
        if (child < 0)
            fail("fork");
        if (child > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bind_to_cpu(client);
        server.sin_port = port_of(client);
        if (strcmp(way, "bulk") == 0)
            send_bulk(&progress[client], until);
        else if (strcmp(way, "ask") == 0)
            send_asks(&progress[client], until);
        else
            send_connections(&progress[client], until);
        _exit(0);
    }
    for (int client = 0; client < connections; client++) {
        int status;
        if (wait(&status) < 0 || status != 0) {
            fprintf(stderr, "talk: %s: a client failed\n", way);
            exit(1);
        }
    }
    uint64_t end = now();
    for (int client = 0; client < connections; client++)
        done += progress[client].done;
    printf("%llu %llu\n", (unsigned long long)done, (unsigned long long)(end - begin));
    fflush(stdout);
}

int main(int argc, char **argv) {
    char line[64], way[16];
    int connections;
    unsigned long milliseconds;

    if (argc != 5)
        return 64;
    server.sin_family = AF_INET;
    first_port = atoi(argv[4]);
    if (inet_pton(AF_INET, argv[3], &server.sin_addr) != 1)
        return 64;
    progress = mmap(NULL, CONNECTIONS_MAX * sizeof(*progress), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED)
        fail("mmap");
    if (pipe2(ready, O_CLOEXEC) != 0)
        fail("pipe");
    enter(argv[2]);
    pid_t servers[CONNECTIONS_MAX];
    for (int one = 0; one < CONNECTIONS_MAX; one++) {
        servers[one] = fork();
        if (servers[one] < 0)
            fail("fork");
        if (servers[one] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            signal(SIGPIPE, SIG_IGN);
            bind_to_cpu(one);
            serve(one);
        }
        if (read(ready[0], way, 1) != 1)
            fail("read");
    }
    enter(argv[1]);
    while (fgets(line, sizeof(line), stdin))
        if (sscanf(line, "%15s %d %lu", way, &connections, &milliseconds) == 3 && connections > 0 &&
            connections <= CONNECTIONS_MAX)
            run(way, connections, milliseconds);
    for (int one = 0; one < CONNECTIONS_MAX; one++)
        kill(servers[one], SIGKILL);
    return 0;
}
