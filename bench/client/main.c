// The one client that all servers are measured with. It talks to 127.0.0.1, compares every byte that comes back with
// what was sent, and prints one line of JSON.
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "tls/tls.h"

static const char usage[] =
    "usage: echo-client --port PORT [--mode pingpong|churn|paced|idle] [--connections N] [--size BYTES]\n"
    "                   [--in-flight N] [--seconds S] [--threads N] [--rate N] [--tls FILE [--resume]] [--server PID]\n"
    "       echo-client --mode start --port PORT [--size BYTES] -- COMMAND...\n"
    "       echo-client --mode process -- COMMAND...\n"
    "\n"
    "pingpong  each connection keeps --in-flight messages under way for --seconds\n"
    "churn     each thread connects, has one message echoed, closes, and begins again, for --seconds\n"
    "paced     --rate messages a second are sent over all connections in turn, each when it is due or as soon\n"
    "          as its connection is free; their times count from when they were due\n"
    "idle      each connection has one message echoed; after the line of results all are held\n"
    "          until standard input ends\n"
    "start     starts the server COMMAND, times its first echo and the messages after it, and kills it\n"
    "process   times COMMAND from its start to its end\n"
    "\n"
    "With --tls, pingpong and churn use TLS 1.3, and trust the certificate in FILE; with --resume, each thread resumes\n"
    "its last session. That needs a client built with OpenSSL.\n"
    "With --server, the results have the CPU time that the process PID took meanwhile.\n"
    "Exit code 0 whatever was measured: errors and mismatches are in the results. 1: COMMAND failed. 2: wrong usage.\n";

static struct options read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"port", required_argument, NULL, 'p'},
        {"mode", required_argument, NULL, 'm'},
        {"connections", required_argument, NULL, 'c'},
        {"size", required_argument, NULL, 's'},
        {"in-flight", required_argument, NULL, 'f'},
        {"seconds", required_argument, NULL, 't'},
        {"threads", required_argument, NULL, 'j'},
        {"rate", required_argument, NULL, 'a'},
        {"tls", required_argument, NULL, 'l'},
        {"resume", no_argument, NULL, 'u'},
        {"server", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };

    struct options options = {
        .mode = "pingpong",
        .connections = 1,
        .size = 64,
        .in_flight = 1,
        .threads = 1,
        .seconds = 1,
        .rate = 1000,
    };
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 'p': options.port = atoi(optarg); break;
        case 'm': options.mode = optarg; break;
        case 'c': options.connections = atoi(optarg); break;
        case 's': options.size = atoi(optarg); break;
        case 'f': options.in_flight = atoi(optarg); break;
        case 't': options.seconds = atof(optarg); break;
        case 'j': options.threads = atoi(optarg); break;
        case 'a': options.rate = atof(optarg); break;
        case 'l': options.certificate = optarg; break;
        case 'u': options.resume = true; break;
        case 'r': options.server = atoi(optarg); break;
        case 'h': fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(2);
        }
    }

    options.command = argv + optind;
    return options;
}

static bool is_mode(const struct options *options, const char *mode)
{
    return strcmp(options->mode, mode) == 0;
}

static void check(const struct options *options)
{
    bool is_process = is_mode(options, "process");
    bool has_target = options->port > 0 || is_process;
    bool has_command = *options->command != NULL;
    bool needs_command = is_process || is_mode(options, "start");
    bool has_right_tls = options->certificate == NULL
        ? !options->resume
        : CAN_TLS && (is_mode(options, "pingpong") || is_mode(options, "churn"));
    bool is_usable = has_target && has_right_tls && has_command == needs_command
        && options->connections > 0 && options->size > 0 && options->in_flight > 0
        && options->threads > 0 && options->threads <= options->connections && options->seconds > 0
        && options->rate > 0;
    if (!is_usable) {
        fputs(usage, stderr);
        exit(2);
    }
}

static void (*runner_of(const struct options *options))(struct worker *)
{
    if (is_mode(options, "pingpong")) {
        return run_pingpong;
    }

    if (is_mode(options, "churn")) {
        return run_churn;
    }

    if (is_mode(options, "paced")) {
        return run_paced;
    }

    if (is_mode(options, "idle")) {
        return run_idle;
    }

    fputs(usage, stderr);
    exit(2);
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    runner_of(worker->options)(worker);
    return NULL;
}

static void add(struct result *into, const struct result *from)
{
    if (from->seconds > into->seconds) {
        into->seconds = from->seconds;
        into->server_cpu = from->server_cpu;
    }

    into->opened += from->opened;
    into->resumed += from->resumed;
    into->due += from->due;
    into->sent += from->sent;
    into->messages += from->messages;
    into->bytes += from->bytes;
    into->errors += from->errors;
    into->mismatches += from->mismatches;
    histogram_merge(&into->latency, &from->latency);
    histogram_merge(&into->late, &from->late);
}

static void run_all(const struct options *options, struct result *sum)
{
    pthread_barrier_t connected;
    pthread_barrier_init(&connected, NULL, (unsigned)options->threads);
    pthread_t *threads = calloc((size_t)options->threads, sizeof *threads);
    struct worker *workers = calloc((size_t)options->threads, sizeof *workers);
    int next = 0;
    for (int i = 0; i < options->threads; i++) {
        int count = options->connections / options->threads + (i < options->connections % options->threads);
        workers[i] = (struct worker){.options = options, .connected = &connected, .first = next, .count = count};
        next += count;
        pthread_create(&threads[i], NULL, run_worker, &workers[i]);
    }

    for (int i = 0; i < options->threads; i++) {
        pthread_join(threads[i], NULL);
        add(sum, &workers[i].result);
    }

    free(workers);
    free(threads);
}

static double microseconds(const struct histogram *histogram, double share)
{
    return histogram_quantile(histogram, share) / 1000;
}

static void print(const struct options *options, const struct result *result)
{
    printf("{\"mode\": \"%s\", \"connections\": %d, \"size\": %d, \"in_flight\": %d, \"threads\": %d, ",
        options->mode, options->connections, options->size, options->in_flight, options->threads);
    printf("\"seconds\": %.6f, \"opened\": %lu, \"messages\": %lu, \"bytes\": %lu, ",
        result->seconds, result->opened, result->messages, result->bytes);
    if (options->server != 0) {
        printf("\"server_cpu_seconds\": %.6f, ", result->server_cpu);
    }

    if (is_mode(options, "paced")) {
        printf("\"rate\": %g, \"due\": %lu, \"sent\": %lu, \"late_p50_us\": %.1f, \"late_p99_us\": %.1f, ",
            options->rate, result->due, result->sent, microseconds(&result->late, 0.5), microseconds(&result->late, 0.99));
    }

    if (options->certificate != NULL) {
        printf("\"resumed\": %lu, ", result->resumed);
    }

    printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, ",
        microseconds(&result->latency, 0.5), microseconds(&result->latency, 0.99), microseconds(&result->latency, 0.999));
    printf("\"errors\": %lu, \"mismatches\": %lu}\n", result->errors, result->mismatches);
    fflush(stdout);
}

static void hold_until_input_ends(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    check(&options);
    // Before SIGPIPE is ignored, which what is started would inherit.
    if (is_mode(&options, "start")) {
        return time_start(&options);
    }

    if (is_mode(&options, "process")) {
        return time_process(&options);
    }

    signal(SIGPIPE, SIG_IGN);
    runner_of(&options);
    if (options.certificate != NULL) {
        tls_prepare(&options);
    }

    static struct result result;
    run_all(&options, &result);
    print(&options, &result);
    if (is_mode(&options, "idle")) {
        hold_until_input_ends();
    }

    return 0;
}
