// Connecting, the clock, and the bytes that are sent.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

// How long a server may take for one step. A connection that takes longer counts as broken.
#define PATIENCE_SECONDS 5

// A prime, so that no power of two that a server reads by has the same byte in the same place.
#define PERIOD 251

#define LARGEST_ONCE 4096

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double cpu_seconds(int pid)
{
    clockid_t clock;
    struct timespec spent;
    if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &spent) != 0) {
        return 0;
    }

    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

static unsigned char pattern[PERIOD + PATTERN_CHUNK];

__attribute__((constructor)) static void fill_pattern(void)
{
    for (size_t i = 0; i < sizeof pattern; i++) {
        pattern[i] = (unsigned char)(i % PERIOD);
    }
}

const unsigned char *pattern_at(uint64_t position)
{
    return pattern + position % PERIOD;
}

bool pattern_matches(uint64_t position, const unsigned char *bytes, size_t length)
{
    while (length > 0) {
        size_t chunk = length < PATTERN_CHUNK ? length : PATTERN_CHUNK;
        if (memcmp(bytes, pattern_at(position), chunk) != 0) {
            return false;
        }

        position += chunk;
        bytes += chunk;
        length -= chunk;
    }

    return true;
}

uint64_t pattern_start(int connection)
{
    return (uint64_t)connection * 97;
}

static void set_option(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof value);
}

static void set_patience(int fd)
{
    struct timeval limit = {.tv_sec = PATIENCE_SECONDS};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static struct sockaddr_in loopback(int address, int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)address),
        .sin_port = htons((uint16_t)port),
    };
}

int dial(int port, int source)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }

    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    // The port is chosen by connect, which can share it between targets; bind could not.
    set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    set_patience(fd);
    struct sockaddr_in from = loopback(source, 0);
    struct sockaddr_in to = loopback(0, port);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        close(fd);
        return -1;
    }

    return fd;
}

bool echo_once(int fd, uint64_t position, int size, struct result *result)
{
    unsigned char buffer[LARGEST_ONCE];
    if (size > LARGEST_ONCE) {
        size = LARGEST_ONCE;
    }

    bool is_echoed = send(fd, pattern_at(position), (size_t)size, MSG_NOSIGNAL) == size
        && recv(fd, buffer, (size_t)size, MSG_WAITALL) == size;
    if (!is_echoed) {
        return false;
    }

    result->bytes += (uint64_t)size;
    result->messages++;
    result->mismatches += !pattern_matches(position, buffer, (size_t)size);
    return true;
}
