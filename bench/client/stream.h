// A connection's two streams of bytes: a socket, plain or with TLS on it.
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct worker;
struct ssl_st;

struct stream {
    int fd;             // -1 where there is none
    struct ssl_st *tls; // null where it is plain
};

// Connects, with TLS where the worker's options say so, and counts what was opened. False where it did not succeed.
bool stream_open(struct stream *stream, struct worker *worker, int source);

// From now on, sending and receiving fail with EAGAIN rather than wait.
void stream_stop_waiting(struct stream *stream);

// As send and recv: how many bytes; 0 at the end; -1 with errno.
ssize_t stream_send(struct stream *stream, const void *bytes, size_t length);
ssize_t stream_receive(struct stream *stream, void *bytes, size_t length);

// Says that nothing more will be sent. False when the connection is broken.
bool stream_finish(struct stream *stream);

void stream_close(struct stream *stream);

#endif
