// All servers get the same handshake: TLS 1.3, X25519, one cipher suite. The certificate is checked, and the name in it.
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "../client.h"

#define NAME "localhost"
#define GROUP "X25519"
#define CIPHER_SUITE "TLS_AES_128_GCM_SHA256"

static SSL_CTX *context;

// Servers send their tickets after the handshake, so they come while something else is read. The last one is kept, as a copy:
// where a server ends the connection without close_notify, as nginx does, OpenSSL marks its session as one not to resume.
static int keep_session(SSL *tls, SSL_SESSION *session)
{
    struct worker *worker = SSL_get_app_data(tls);
    SSL_SESSION_free(worker->session);
    worker->session = SSL_SESSION_dup(session);
    return 0;
}

void tls_prepare(const struct options *options)
{
    context = SSL_CTX_new(TLS_client_method());
    bool is_ready = context != NULL
        && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1
        && SSL_CTX_set1_groups_list(context, GROUP) == 1
        && SSL_CTX_set_ciphersuites(context, CIPHER_SUITE) == 1
        && SSL_CTX_load_verify_file(context, options->certificate) == 1;
    if (!is_ready) {
        fprintf(stderr, "TLS 1.3 can't be used with the certificate in %s\n", options->certificate);
        exit(2);
    }

    // nginx answers close_notify with a FIN alone. Nothing is lost by that: the client has all of its bytes by then.
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    // What is sent again after it had no room starts at the same byte, but not always at the same address.
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (options->resume) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, keep_session);
    }
}

struct ssl_st *tls_open(int fd, struct worker *worker)
{
    SSL *tls = SSL_new(context);
    SSL_set_app_data(tls, worker);
    if (worker->session != NULL) {
        SSL_set_session(tls, worker->session);
    }

    bool is_open = SSL_set_fd(tls, fd) == 1
        && SSL_set_tlsext_host_name(tls, NAME) == 1
        && SSL_set1_host(tls, NAME) == 1
        && SSL_connect(tls) == 1;
    if (!is_open) {
        ERR_clear_error();
        SSL_free(tls);
        return NULL;
    }

    worker->result.resumed += SSL_session_reused(tls) == 1;
    return tls;
}

// What a call that did not succeed means, as recv would say it.
static ssize_t outcome(SSL *tls, int returned)
{
    int error = SSL_get_error(tls, returned);
    ERR_clear_error();
    if (error == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }

    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

ssize_t tls_send(struct ssl_st *tls, const void *bytes, size_t length)
{
    size_t count;
    int returned = SSL_write_ex(tls, bytes, length, &count);
    return returned == 1 ? (ssize_t)count : outcome(tls, returned);
}

ssize_t tls_receive(struct ssl_st *tls, void *bytes, size_t length)
{
    size_t count;
    int returned = SSL_read_ex(tls, bytes, length, &count);
    return returned == 1 ? (ssize_t)count : outcome(tls, returned);
}

bool tls_finish(struct ssl_st *tls)
{
    return SSL_shutdown(tls) >= 0;
}

void tls_close(struct ssl_st *tls)
{
    SSL_free(tls);
}
