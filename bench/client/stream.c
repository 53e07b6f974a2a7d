#define _GNU_SOURCE
#include "stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "tls/tls.h"

bool stream_open(struct stream *stream, struct worker *worker, int source)
{
    stream->tls = NULL;
    stream->fd = dial(worker->options->port, source);
    if (stream->fd < 0) {
        return false;
    }

    if (worker->options->certificate != NULL) {
        stream->tls = tls_open(stream->fd, worker);
        if (stream->tls == NULL) {
            stream_close(stream);
            return false;
        }
    }

    worker->result.opened++;
    return true;
}

void stream_stop_waiting(struct stream *stream)
{
    fcntl(stream->fd, F_SETFL, fcntl(stream->fd, F_GETFL) | O_NONBLOCK);
}

ssize_t stream_send(struct stream *stream, const void *bytes, size_t length)
{
    return stream->tls != NULL ? tls_send(stream->tls, bytes, length) : send(stream->fd, bytes, length, MSG_NOSIGNAL);
}

ssize_t stream_receive(struct stream *stream, void *bytes, size_t length)
{
    return stream->tls != NULL ? tls_receive(stream->tls, bytes, length) : recv(stream->fd, bytes, length, 0);
}

bool stream_finish(struct stream *stream)
{
    return (stream->tls == NULL || tls_finish(stream->tls)) && shutdown(stream->fd, SHUT_WR) == 0;
}

void stream_close(struct stream *stream)
{
    if (stream->tls != NULL) {
        tls_close(stream->tls);
        stream->tls = NULL;
    }

    if (stream->fd >= 0) {
        close(stream->fd);
        stream->fd = -1;
    }
}
