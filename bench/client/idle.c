// Opens connections, has one message echoed on each, and leaves them open.
#include <sys/socket.h>

#include "client.h"

#define CONNECTIONS_A_SOURCE 20000
#define LARGEST 4096

static bool echo_once(int fd, uint64_t position, int size, struct result *result)
{
    unsigned char buffer[LARGEST];
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

// The sockets stay open until the process ends.
void run_idle(struct worker *worker)
{
    struct result *result = &worker->result;
    int size = worker->options->size < LARGEST ? worker->options->size : LARGEST;
    uint64_t begin = now_ns();
    for (int number = worker->first; number < worker->first + worker->count; number++) {
        uint64_t begun = now_ns();
        int fd = dial(worker->options->port, number / CONNECTIONS_A_SOURCE);
        if (fd < 0) {
            result->errors++;
            continue;
        }

        result->opened++;
        if (echo_once(fd, pattern_start(number), size, result)) {
            histogram_add(&result->latency, now_ns() - begun);
        } else {
            result->errors++;
        }
    }

    result->seconds = (double)(now_ns() - begin) / 1e9;
}
