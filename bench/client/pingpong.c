// Each connection keeps so many messages under way: as one comes back whole, the next is sent.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client.h"
#include "stream.h"

#define EVENTS 256
#define WAIT_MS 100
#define READ_SIZE (256 * 1024)
#define CONNECTIONS_A_SOURCE 20000

// How long what is under way at the end may take to come back.
#define DRAIN_NS 2000000000ull

struct connection {
    struct stream stream; // closed once it is broken
    bool waits_to_send;
    uint64_t start; // where its stream stands in the pattern
    uint64_t sent;
    uint64_t received;
    uint64_t completed; // messages
    uint64_t *begun_at; // when each message under way was begun; a ring
};

struct run {
    struct worker *worker;
    struct connection *connections;
    unsigned char *buffer;
    int epoll;
    bool is_sending; // false at the end, when only what is under way is waited for
};

static void watch(struct run *run, struct connection *connection, int operation)
{
    struct epoll_event event = {
        .events = EPOLLIN | (connection->waits_to_send ? EPOLLOUT : 0),
        .data.ptr = connection,
    };
    epoll_ctl(run->epoll, operation, connection->stream.fd, &event);
}

static void broken(struct run *run, struct connection *connection)
{
    run->worker->result.errors++;
    stream_close(&connection->stream);
}

static void note_begun(struct connection *connection, const struct options *options, uint64_t until, uint64_t now)
{
    uint64_t size = (uint64_t)options->size;
    uint64_t message = (connection->sent + size - 1) / size;
    for (; message * size < until; message++) {
        connection->begun_at[message % (uint64_t)options->in_flight] = now;
    }
}

// Sends what there is room for. False when the connection is broken.
static bool send_some(struct run *run, struct connection *connection, uint64_t now)
{
    const struct options *options = run->worker->options;
    uint64_t window = (connection->completed + (uint64_t)options->in_flight) * (uint64_t)options->size;
    bool is_full = false;
    while (run->is_sending && !is_full && connection->sent < window) {
        uint64_t length = window - connection->sent;
        if (length > PATTERN_CHUNK) {
            length = PATTERN_CHUNK;
        }

        const unsigned char *bytes = pattern_at(connection->start + connection->sent);
        ssize_t count = stream_send(&connection->stream, bytes, length);
        if (count < 0 && errno != EAGAIN) {
            return false;
        }

        is_full = count < 0;
        if (count > 0) {
            note_begun(connection, options, connection->sent + (uint64_t)count, now);
            connection->sent += (uint64_t)count;
        }
    }

    if (is_full != connection->waits_to_send) {
        connection->waits_to_send = is_full;
        watch(run, connection, EPOLL_CTL_MOD);
    }

    return true;
}

static void count_completed(struct run *run, struct connection *connection, uint64_t now)
{
    const struct options *options = run->worker->options;
    struct result *result = &run->worker->result;
    while ((connection->completed + 1) * (uint64_t)options->size <= connection->received) {
        uint64_t begun = connection->begun_at[connection->completed % (uint64_t)options->in_flight];
        connection->completed++;
        if (run->is_sending) {
            result->messages++;
            histogram_add(&result->latency, now - begun);
        }
    }
}

// Takes what has come and sends the next. False when the connection is broken.
static bool receive_some(struct run *run, struct connection *connection)
{
    struct result *result = &run->worker->result;
    ssize_t count = stream_receive(&connection->stream, run->buffer, READ_SIZE);
    if (count < 0 && errno == EAGAIN) {
        return send_some(run, connection, now_ns());
    }

    if (count <= 0) {
        return false;
    }

    if (!pattern_matches(connection->start + connection->received, run->buffer, (size_t)count)) {
        result->mismatches++;
    }

    uint64_t now = now_ns();
    connection->received += (uint64_t)count;
    if (connection->received > connection->sent) {
        result->mismatches++;
        return false;
    }

    result->bytes += run->is_sending ? (uint64_t)count : 0;
    count_completed(run, connection, now);
    return send_some(run, connection, now);
}

static void wait_and_serve(struct run *run)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(run->epoll, events, EVENTS, WAIT_MS);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (!receive_some(run, connection)) {
            broken(run, connection);
        }
    }
}

static int under_way(const struct run *run)
{
    int count = 0;
    for (int i = 0; i < run->worker->count; i++) {
        const struct connection *connection = &run->connections[i];
        count += connection->stream.fd >= 0 && connection->received < connection->sent;
    }

    return count;
}

static void open_all(struct run *run)
{
    struct worker *worker = run->worker;
    for (int i = 0; i < worker->count; i++) {
        struct connection *connection = &run->connections[i];
        int number = worker->first + i;
        connection->start = pattern_start(number);
        connection->begun_at = calloc((size_t)worker->options->in_flight, sizeof *connection->begun_at);
        if (!stream_open(&connection->stream, worker, number / CONNECTIONS_A_SOURCE)) {
            worker->result.errors++;
            continue;
        }

        stream_stop_waiting(&connection->stream);
        watch(run, connection, EPOLL_CTL_ADD);
    }
}

static void measure(struct run *run)
{
    int server = run->worker->options->server;
    double cpu = cpu_seconds(server);
    uint64_t begin = now_ns();
    uint64_t end = begin + (uint64_t)(run->worker->options->seconds * 1e9);
    run->is_sending = true;
    for (int i = 0; i < run->worker->count; i++) {
        struct connection *connection = &run->connections[i];
        if (connection->stream.fd >= 0 && !send_some(run, connection, now_ns())) {
            broken(run, connection);
        }
    }

    while (now_ns() < end) {
        wait_and_serve(run);
    }

    run->worker->result.seconds = (double)(now_ns() - begin) / 1e9;
    run->worker->result.server_cpu = cpu_seconds(server) - cpu;
}

// Every byte that was sent must come back, those of the last moment too.
static void drain(struct run *run)
{
    run->is_sending = false;
    uint64_t limit = now_ns() + DRAIN_NS;
    while (under_way(run) > 0 && now_ns() < limit) {
        wait_and_serve(run);
    }

    run->worker->result.errors += (uint64_t)under_way(run);
}

static void close_all(struct run *run)
{
    for (int i = 0; i < run->worker->count; i++) {
        stream_close(&run->connections[i].stream);
        free(run->connections[i].begun_at);
    }
}

void run_pingpong(struct worker *worker)
{
    struct run run = {
        .worker = worker,
        .connections = calloc((size_t)worker->count, sizeof *run.connections),
        .buffer = malloc(READ_SIZE),
        .epoll = epoll_create1(0),
    };

    open_all(&run);
    pthread_barrier_wait(worker->connected);
    measure(&run);
    drain(&run);
    close_all(&run);

    close(run.epoll);
    free(run.buffer);
    free(run.connections);
}
