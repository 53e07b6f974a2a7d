// TLS 1.3 by OpenSSL. A client that is built without WITH_TLS, for machines without OpenSSL's headers, has none.
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct options;
struct worker;
struct ssl_st;

#ifdef WITH_TLS

#define CAN_TLS true

// Once, before the others. Ends the process where the certificate can't be read.
void tls_prepare(const struct options *options);

// The handshake, which resumes the worker's last session where its options say so. Null where it did not succeed.
struct ssl_st *tls_open(int fd, struct worker *worker);

ssize_t tls_send(struct ssl_st *tls, const void *bytes, size_t length);
ssize_t tls_receive(struct ssl_st *tls, void *bytes, size_t length);
bool tls_finish(struct ssl_st *tls);
void tls_close(struct ssl_st *tls);

#else

#define CAN_TLS false
#define UNUSED __attribute__((unused))

static inline void tls_prepare(const struct options *options UNUSED) {}
static inline struct ssl_st *tls_open(int fd UNUSED, struct worker *worker UNUSED) { return NULL; }
static inline ssize_t tls_send(struct ssl_st *tls UNUSED, const void *bytes UNUSED, size_t length UNUSED) { return -1; }
static inline ssize_t tls_receive(struct ssl_st *tls UNUSED, void *bytes UNUSED, size_t length UNUSED) { return -1; }
static inline bool tls_finish(struct ssl_st *tls UNUSED) { return false; }
static inline void tls_close(struct ssl_st *tls UNUSED) {}

#endif

#endif
