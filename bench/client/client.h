// What the client's parts share.
#ifndef CLIENT_H
#define CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

struct options {
    const char *mode;
    int port;
    int connections;
    int size;      // bytes a message
    int in_flight; // messages a connection has under way
    int threads;
    double seconds;
    double rate;    // messages a second over all connections, for paced
    const char *certificate; // a file with the one that is trusted; null without TLS
    bool resume;    // TLS sessions
    int server;     // the process whose CPU time is read, or 0
    char **command; // what is started and timed, up to a NULL
};

struct result {
    double seconds; // what was really measured, without connecting and ending
    double server_cpu; // seconds of CPU that the server took meanwhile
    uint64_t opened;
    uint64_t resumed;  // of those, with TLS, by an earlier connection's ticket
    uint64_t messages; // echoed whole; for churn: connections opened, echoed on and closed
    uint64_t bytes;    // echoed
    uint64_t due;      // for paced: messages that were to be sent
    uint64_t sent;     // for paced: messages that were sent
    uint64_t errors;   // connections that could not be opened, broke, or did not give back all that was sent
    uint64_t mismatches; // reads in which a byte was not the one that was sent there
    struct histogram latency; // nanoseconds a message, or a churn cycle
    struct histogram late;    // for paced: nanoseconds by which the client itself was late
};

// One thread, with its share of the connections.
struct worker {
    const struct options *options;
    pthread_barrier_t *connected; // so that all threads begin to measure together
    int first;                    // the number of its first connection
    int count;
    struct ssl_session_st *session; // the last one that can be resumed, or null
    struct result result;
};

void run_pingpong(struct worker *worker);
void run_churn(struct worker *worker);
void run_paced(struct worker *worker);
void run_idle(struct worker *worker);

// Start the command, print one line of JSON, and return the exit code.
int time_start(const struct options *options);
int time_process(const struct options *options);

uint64_t now_ns(void);

// CPU time of a process so far, in user and system, of all its threads, ended ones too; to the nanosecond. 0 for no process.
double cpu_seconds(int pid);

// The longest piece that can be taken from the pattern at once.
#define PATTERN_CHUNK 65536

// What is sent at a position of a connection's stream. Numbers of connections shift it, so that bytes in the wrong
// place, or on the wrong connection, show.
const unsigned char *pattern_at(uint64_t position);
bool pattern_matches(uint64_t position, const unsigned char *bytes, size_t length);
uint64_t pattern_start(int connection);

// A connected socket with TCP_NODELAY, or -1. It waits in connect, send and recv, but not for ever.
// Sources share 127.0.0.0/8: an address has some 28,000 ports, and source says which address.
int dial(int port, int source);

// Sends one message and awaits its echo. False when it did not come back whole; other bytes are counted.
bool echo_once(int fd, uint64_t position, int size, struct result *result);

#endif
