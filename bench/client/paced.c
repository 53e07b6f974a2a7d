// Messages at a fixed rate, whatever the server does (an open loop). Message n is due at n / rate seconds, on the
// connections in turn, and its time counts from when it was due, so that waiting is not left out of the figures.
//
// A connection has one message under way. What is due on a connection that is still busy waits, and is sent as soon as
// the connection is free; the wait is part of its time.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define EVENTS 256
#define WAIT_MS 100
#define READ_SIZE (64 * 1024)

// Few, so that many runs after one another find ports that no closed connection holds.
#define CONNECTIONS_A_SOURCE 5000

// What the server still does for the connections that it has just accepted is not to be measured.
#define SETTLE_NS 500000000

// How long what is due may take to come back after the last message was due.
#define DRAIN_NS 5000000000ull

struct connection {
    int fd; // -1 where it is broken
    uint64_t start; // where its stream stands in the pattern
    uint64_t sent;  // bytes
    uint64_t received;
    uint64_t due; // messages
    uint64_t begun;
    uint64_t completed;
};

struct run {
    struct worker *worker;
    struct connection *connections;
    unsigned char *buffer;
    int epoll;
    int timer;
    uint64_t begin;
    uint64_t interval; // ns from one message to the next
    uint64_t due;      // messages so far
    uint64_t total;    // messages in all
    uint64_t open;     // messages that are due and not back
};

static uint64_t due_at(const struct run *run, uint64_t message)
{
    return run->begin + message * run->interval;
}

// When a connection's message was due, counted from 0.
static uint64_t due_on_at(const struct run *run, const struct connection *connection, uint64_t message)
{
    uint64_t number = (uint64_t)(connection - run->connections);
    return due_at(run, message * (uint64_t)run->worker->count + number);
}

static void watch(struct run *run, int fd, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event);
}

// Its messages that are due will not come back.
static void broken(struct run *run, struct connection *connection)
{
    run->worker->result.errors++;
    run->open -= connection->due - connection->completed;
    close(connection->fd);
    connection->fd = -1;
}

// Sends the next message where one is due and none is under way.
static void send_next(struct run *run, struct connection *connection)
{
    if (connection->begun == connection->due || connection->begun > connection->completed) {
        return;
    }

    const unsigned char *bytes = pattern_at(connection->start + connection->sent);
    ssize_t size = run->worker->options->size;
    // The socket has room for one message, because nothing else is under way.
    if (send(connection->fd, bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) != size) {
        broken(run, connection);
        return;
    }

    connection->sent += (uint64_t)size;
    connection->begun++;
    run->worker->result.sent++;
}

static void send_due(struct run *run)
{
    struct result *result = &run->worker->result;
    uint64_t now = now_ns();
    while (run->due < run->total && due_at(run, run->due) <= now) {
        struct connection *connection = &run->connections[run->due % (uint64_t)run->worker->count];
        uint64_t late = now - due_at(run, run->due);
        run->due++;
        if (connection->fd >= 0) {
            histogram_add(&result->late, late);
            connection->due++;
            run->open++;
            send_next(run, connection);
            now = now_ns();
        }
    }
}

static void complete(struct run *run, struct connection *connection)
{
    struct result *result = &run->worker->result;
    histogram_add(&result->latency, now_ns() - due_on_at(run, connection, connection->completed));
    result->messages++;
    connection->completed++;
    run->open--;
    send_next(run, connection);
}

static void receive_some(struct run *run, struct connection *connection)
{
    struct result *result = &run->worker->result;
    ssize_t count = recv(connection->fd, run->buffer, READ_SIZE, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) {
        return;
    }

    if (count <= 0) {
        broken(run, connection);
        return;
    }

    result->mismatches += !pattern_matches(connection->start + connection->received, run->buffer, (size_t)count);
    result->bytes += (uint64_t)count;
    connection->received += (uint64_t)count;
    if (connection->received > connection->sent) {
        result->mismatches++;
        broken(run, connection);
    } else if (connection->received == connection->sent) {
        complete(run, connection);
    }
}

static void wait_and_serve(struct run *run)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(run->epoll, events, EVENTS, WAIT_MS);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection == NULL) {
            uint64_t ticks;
            if (read(run->timer, &ticks, sizeof ticks) < 0) {
                continue;
            }
        } else if (connection->fd >= 0) {
            receive_some(run, connection);
        }

        // Between two answers as well, so that many of them do not make a message late.
        send_due(run);
    }
}

// Opens all, and has one message echoed on each.
static void open_all(struct run *run)
{
    struct worker *worker = run->worker;
    const struct options *options = worker->options;
    struct result echoed = {0};
    for (int i = 0; i < worker->count; i++) {
        struct connection *connection = &run->connections[i];
        int number = worker->first + i;
        connection->start = pattern_start(number);
        connection->fd = dial(options->port, number / CONNECTIONS_A_SOURCE);
        if (connection->fd < 0) {
            worker->result.errors++;
            continue;
        }

        worker->result.opened++;
        if (!echo_once(connection->fd, connection->start, options->size, &echoed)) {
            broken(run, connection);
            continue;
        }

        connection->sent = connection->received = (uint64_t)options->size;
        watch(run, connection->fd, connection);
    }

    worker->result.mismatches += echoed.mismatches;
}

static void start_timer(struct run *run)
{
    struct timespec interval = {
        .tv_sec = (time_t)(run->interval / 1000000000),
        .tv_nsec = (long)(run->interval % 1000000000),
    };
    struct itimerspec ticks = {.it_interval = interval, .it_value = interval};
    timerfd_settime(run->timer, 0, &ticks, NULL);
    watch(run, run->timer, NULL);
}

// What has not come back is an error, and has taken at least as long as it has waited so far.
static void count_missing(struct run *run)
{
    struct result *result = &run->worker->result;
    uint64_t now = now_ns();
    for (int i = 0; i < run->worker->count; i++) {
        const struct connection *connection = &run->connections[i];
        for (uint64_t message = connection->completed; message < connection->due; message++) {
            histogram_add(&result->latency, now - due_on_at(run, connection, message));
            result->errors += connection->fd >= 0;
        }
    }
}

static void measure(struct run *run)
{
    const struct options *options = run->worker->options;
    struct result *result = &run->worker->result;
    double share = (double)run->worker->count / options->connections;
    run->interval = (uint64_t)(1e9 / (options->rate * share));
    run->total = (uint64_t)(options->seconds * 1e9) / run->interval;
    double cpu = cpu_seconds(options->server);
    run->begin = now_ns();
    start_timer(run);
    uint64_t limit = due_at(run, run->total) + DRAIN_NS;
    send_due(run);
    while ((run->due < run->total || run->open > 0) && now_ns() < limit) {
        wait_and_serve(run);
    }

    result->seconds = (double)(now_ns() - run->begin) / 1e9;
    result->server_cpu = cpu_seconds(options->server) - cpu;
    result->due = run->total;
    count_missing(run);
}

void run_paced(struct worker *worker)
{
    struct run run = {
        .worker = worker,
        .connections = calloc((size_t)worker->count, sizeof *run.connections),
        .buffer = malloc(READ_SIZE),
        .epoll = epoll_create1(0),
        .timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK),
    };

    open_all(&run);
    const struct timespec settle = {.tv_nsec = SETTLE_NS};
    nanosleep(&settle, NULL);
    pthread_barrier_wait(worker->connected);
    measure(&run);
    for (int i = 0; i < worker->count; i++) {
        if (run.connections[i].fd >= 0) {
            close(run.connections[i].fd);
        }
    }

    close(run.timer);
    close(run.epoll);
    free(run.buffer);
    free(run.connections);
}
