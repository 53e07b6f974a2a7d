// Starts a program, and times it: until its first echo and the messages after it, or until its end.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

// How often a connection is tried until one is accepted: often enough for a start of a few milliseconds, and seldom
// enough to leave the server its CPU.
#define POLL_NS 100000
#define FIRST_ECHO_LIMIT_NS 30000000000ull

#define MESSAGES 1000
#define LATER_FROM 100

extern char **environ;

// One start that echoes.
struct start {
    int fd;
    uint64_t first_echo_ns; // since the process's start
    uint64_t late_ns;       // at most so much of it is the time between two tries
};

// Its standard streams are /dev/null.
static pid_t spawn(char **command)
{
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        posix_spawn_file_actions_addopen(&quiet, fd, "/dev/null", O_RDWR, 0);
    }

    pid_t pid;
    int error = posix_spawnp(&pid, command[0], &quiet, NULL, command, environ);
    posix_spawn_file_actions_destroy(&quiet);
    if (error != 0) {
        fprintf(stderr, "%s can't be started: %s\n", command[0], strerror(error));
        exit(1);
    }

    return pid;
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void fail(const char *reason)
{
    fprintf(stderr, "%s\n", reason);
    exit(1);
}

static void stop_and_fail(pid_t pid, const char *reason)
{
    stop(pid);
    fail(reason);
}

static struct start await_first_echo(pid_t pid, const struct options *options, uint64_t begin, struct result *result)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};
    uint64_t last_try = begin;
    while (true) {
        uint64_t try = now_ns();
        int fd = dial(options->port, 0);
        if (fd >= 0 && echo_once(fd, pattern_start(0), options->size, result)) {
            return (struct start){.fd = fd, .first_echo_ns = now_ns() - begin, .late_ns = try - last_try};
        }

        if (fd >= 0) {
            close(fd);
        }

        if (waitpid(pid, NULL, WNOHANG) == pid) {
            fail("it ended before it echoed");
        }

        if (try > begin + FIRST_ECHO_LIMIT_NS) {
            stop_and_fail(pid, "it echoed nothing in time");
        }

        last_try = try;
        nanosleep(&pause, NULL);
    }
}

int time_start(const struct options *options)
{
    static struct result result;
    static struct histogram later;
    uint64_t begin = now_ns();
    pid_t pid = spawn(options->command);
    // By default a pause may take 50 µs longer. After the spawn, because it would be inherited.
    prctl(PR_SET_TIMERSLACK, 1);
    struct start start = await_first_echo(pid, options, begin, &result);
    uint64_t second = 0;
    for (int number = 2; number <= MESSAGES; number++) {
        uint64_t sent = now_ns();
        if (!echo_once(start.fd, pattern_start(number), options->size, &result)) {
            stop_and_fail(pid, "its connection broke");
        }

        uint64_t taken = now_ns() - sent;
        if (number == 2) {
            second = taken;
        } else if (number >= LATER_FROM) {
            histogram_add(&later, taken);
        }
    }

    stop(pid);
    printf("{\"first_echo_ms\": %.3f, \"late_ms\": %.3f, \"second_us\": %.1f, \"later_us\": %.1f, \"mismatches\": %lu}\n",
        (double)start.first_echo_ns / 1e6, (double)start.late_ns / 1e6, (double)second / 1e3,
        histogram_quantile(&later, 0.5) / 1e3, result.mismatches);
    return 0;
}

int time_process(const struct options *options)
{
    uint64_t begin = now_ns();
    pid_t pid = spawn(options->command);
    int status;
    waitpid(pid, &status, 0);
    uint64_t taken = now_ns() - begin;
    if (status != 0) {
        fprintf(stderr, "%s failed\n", options->command[0]);
        return 1;
    }

    printf("{\"ms\": %.3f}\n", (double)taken / 1e6);
    return 0;
}
