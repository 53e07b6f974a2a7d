// Each thread opens a connection, has one message echoed, closes it, and begins again.
#include <stdlib.h>

#include "client.h"
#include "stream.h"

static bool send_all(struct stream *stream, uint64_t position, size_t length)
{
    while (length > 0) {
        size_t chunk = length < PATTERN_CHUNK ? length : PATTERN_CHUNK;
        ssize_t count = stream_send(stream, pattern_at(position), chunk);
        if (count <= 0) {
            return false;
        }

        position += (uint64_t)count;
        length -= (size_t)count;
    }

    return true;
}

// False when the connection ended or stalled before all of it had come.
static bool receive_all(struct stream *stream, uint64_t position, size_t length, unsigned char *buffer, struct result *result)
{
    for (size_t received = 0; received < length;) {
        ssize_t count = stream_receive(stream, buffer, length - received);
        if (count <= 0) {
            return false;
        }

        if (!pattern_matches(position + received, buffer, (size_t)count)) {
            result->mismatches++;
        }

        received += (size_t)count;
        result->bytes += (uint64_t)count;
    }

    return true;
}

// Our FIN must be answered by the server's, with no byte before it.
static bool end(struct stream *stream, unsigned char *buffer, struct result *result)
{
    if (!stream_finish(stream)) {
        return false;
    }

    ssize_t count = stream_receive(stream, buffer, 1);
    result->mismatches += count > 0;
    return count == 0;
}

static bool cycle(struct worker *worker, uint64_t position, unsigned char *buffer)
{
    const struct options *options = worker->options;
    struct result *result = &worker->result;
    size_t size = (size_t)options->size;
    // Closed connections keep their port for a while; a thread has an address of its own, and so enough of them.
    struct stream stream;
    if (!stream_open(&stream, worker, worker->first)) {
        return false;
    }

    bool is_well = send_all(&stream, position, size)
        && receive_all(&stream, position, size, buffer, result)
        && end(&stream, buffer, result);
    stream_close(&stream);
    return is_well;
}

void run_churn(struct worker *worker)
{
    struct result *result = &worker->result;
    unsigned char *buffer = malloc((size_t)worker->options->size);
    pthread_barrier_wait(worker->connected);

    int server = worker->options->server;
    double cpu = cpu_seconds(server);
    uint64_t begin = now_ns();
    uint64_t deadline = begin + (uint64_t)(worker->options->seconds * 1e9);
    uint64_t now = begin;
    for (int number = worker->first; now < deadline; number++) {
        bool is_well = cycle(worker, pattern_start(number), buffer);
        uint64_t done = now_ns();
        if (is_well) {
            result->messages++;
            histogram_add(&result->latency, done - now);
        } else {
            result->errors++;
        }

        now = done;
    }

    result->seconds = (double)(now - begin) / 1e9;
    result->server_cpu = cpu_seconds(server) - cpu;
    free(buffer);
}
