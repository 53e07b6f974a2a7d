// Opens connections, has one message echoed on each, and leaves them open.
#include "client.h"

#define CONNECTIONS_A_SOURCE 20000

// The sockets stay open until the process ends.
void run_idle(struct worker *worker)
{
    struct result *result = &worker->result;
    uint64_t begin = now_ns();
    for (int number = worker->first; number < worker->first + worker->count; number++) {
        uint64_t begun = now_ns();
        int fd = dial(worker->options->port, number / CONNECTIONS_A_SOURCE);
        if (fd < 0) {
            result->errors++;
            continue;
        }

        result->opened++;
        if (echo_once(fd, pattern_start(number), worker->options->size, result)) {
            histogram_add(&result->latency, now_ns() - begun);
        } else {
            result->errors++;
        }
    }

    result->seconds = (double)(now_ns() - begin) / 1e9;
}
