// The plain echo server in C: one epoll set a thread, level-triggered, a thread for each CPU it may use.
// usage: epoll PORT
//
// It does what an echo must and nothing else, so that the other servers can be read as shares of it.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define EVENTS 256
#define READ_SIZE 65536

struct connection {
    int fd;
    char *unsent; // what the peer has not taken yet; null while there is nothing
    size_t unsent_offset;
    size_t unsent_length;
};

static int port;

static void set_option(int fd, int level, int name)
{
    int on = 1;
    setsockopt(fd, level, name, &on, sizeof on);
}

// Each thread has a listening socket of its own; the kernel spreads the connections over them.
static int listen_on(int on_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    set_option(fd, SOL_SOCKET, SO_REUSEPORT);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)on_port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0) {
        perror("listen");
        exit(1);
    }

    return fd;
}

static void watch(int epoll, int operation, int fd, uint32_t events, struct connection *connection)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(epoll, operation, fd, &event);
}

static void accept_all(int epoll, int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        set_option(fd, IPPROTO_TCP, TCP_NODELAY);
        struct connection *connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, connection);
    }
}

static void end(struct connection *connection)
{
    close(connection->fd);
    free(connection->unsent);
    free(connection);
}

// What was sent, 0 where the socket takes nothing now, -1 where it is broken.
static ssize_t try_send(int fd, const char *bytes, size_t length)
{
    ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);
    return count < 0 && errno == EAGAIN ? 0 : count;
}

// Keeps what was not sent, and reads nothing more until it is.
static void keep(int epoll, struct connection *connection, const char *bytes, size_t length)
{
    connection->unsent = malloc(length);
    memcpy(connection->unsent, bytes, length);
    connection->unsent_offset = 0;
    connection->unsent_length = length;
    watch(epoll, EPOLL_CTL_MOD, connection->fd, EPOLLOUT, connection);
}

// False when the connection is over.
static bool send_unsent(int epoll, struct connection *connection)
{
    size_t left = connection->unsent_length - connection->unsent_offset;
    ssize_t count = try_send(connection->fd, connection->unsent + connection->unsent_offset, left);
    if (count < 0) {
        return false;
    }

    connection->unsent_offset += (size_t)count;
    if (connection->unsent_offset == connection->unsent_length) {
        free(connection->unsent);
        connection->unsent = NULL;
        watch(epoll, EPOLL_CTL_MOD, connection->fd, EPOLLIN, connection);
    }

    return true;
}

// False when the connection is over.
static bool echo(int epoll, struct connection *connection, char *buffer)
{
    ssize_t received = recv(connection->fd, buffer, READ_SIZE, 0);
    if (received <= 0) {
        return received < 0 && errno == EAGAIN;
    }

    ssize_t sent = try_send(connection->fd, buffer, (size_t)received);
    if (sent < 0) {
        return false;
    }

    if (sent < received) {
        keep(epoll, connection, buffer + sent, (size_t)(received - sent));
    }

    return true;
}

static void serve(void)
{
    char *buffer = malloc(READ_SIZE);
    int listener = listen_on(port);
    int epoll = epoll_create1(0);
    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL) {
                accept_all(epoll, listener);
                continue;
            }

            bool is_open = connection->unsent != NULL
                ? send_unsent(epoll, connection)
                : echo(epoll, connection, buffer);
            if (!is_open) {
                end(connection);
            }
        }
    }
}

static void *run(void *unused)
{
    serve();
    return unused;
}

static int usable_cpus(void)
{
    cpu_set_t cpus;
    return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: epoll PORT\n", stderr);
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);
    port = atoi(argv[1]);
    int threads = usable_cpus();
    for (int i = 1; i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, NULL);
    }

    serve();
}
