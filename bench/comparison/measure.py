"""The measurements: rounds of workloads, and idle connections."""
import functools
import os
import resource
import sys
import time
from dataclasses import dataclass

from .servers import ServerFailed, busy_seconds, cpu_seconds, rss_bytes, running
from .workloads import WORKLOADS, Client, LoadCommand

# A server's compiler may work on what is hot for a while; as long as that shows, the warm-up goes on.
WARM_UP_SLICE = 1
# .NET compiles hot code again once nothing new has been compiled for 100 ms, and needs a CPU for that.
WARM_UP_PAUSE = 0.3
WARM_UP_LIMIT = 10
STILL_RISING = 1.05

SETTLE_SECONDS = 2
IDLE_CPU_SECONDS = 3

# What a server needs beside its connections; EchoHost keeps some 550 descriptors back for its own use.
DESCRIPTORS_ASIDE = 600


@dataclass(frozen=True)
class Mode:
    name: str
    meaning: str
    server_cpus: set
    client_cpus: set


def modes():
    """Pinned and free; pinned is missing where there is one CPU alone."""
    cpus = usable_cpus()
    free = Mode("free", f"server and client may use all {len(cpus)} CPUs", None, None)
    if len(cpus) < 2:
        return {"free": free}
    pinned = Mode("pinned", f"server on CPU {cpus[1]}, client on CPU {cpus[0]}", {cpus[1]}, {cpus[0]})
    return {"pinned": pinned, "free": free}


def usable_cpus():
    return sorted(os.sched_getaffinity(0))


def say(text):
    print(text, file=sys.stderr, flush=True)


def rounds(servers, workloads, mode, client_program, ports, count, seconds, warm_up_seconds):
    """Measures every server in every round. A server that fails is missing from that round."""
    client = Client(client_program, mode.client_cpus)

    def one(server):
        port = ports.take()
        with running(server, port, mode.server_cpus) as process:
            warm = [WORKLOADS[name] for name in dict.fromkeys(["small", *workloads])]
            return one_server(process, port, [WORKLOADS[name] for name in workloads], client, seconds, warm_up_seconds, warm)

    return in_turn({server.name: functools.partial(one, server) for server in servers}, count, mode.name)


def in_turn(measurements, count, title):
    """Calls each in every round. One that fails is missing from that round."""
    results = []
    names = list(measurements)
    for number in range(count):
        results.append({})
        # Another one begins each round, so that what follows on another's heels is not always the same.
        begin = number % len(names)
        for name in names[begin:] + names[:begin]:
            say(f"{title}, round {number + 1} of {count}: {name}")
            try:
                results[-1][name] = measurements[name]()
            except ServerFailed as e:
                say(f"  left out of this round: {e}")
    return results


def one_server(process, port, workloads, client, seconds, warm_up_seconds, warm=None):
    """Warms a server up by each workload, or by others, and then measures it with each."""
    for workload in warm or workloads:
        warm_up(client, workload, port, warm_up_seconds)
    result = {workload.name: one_workload(client, workload, port, process, seconds) for workload in workloads}
    return {"rss_bytes": rss_bytes(process), "workloads": result}


def clients(server, workloads, mode, client_program, load_program, ports, count, seconds, warm_up_seconds):
    """Has the client and EchoHost's own command load drive one and the same server in turn."""
    both = {"C client": Client(client_program, mode.client_cpus), "EchoHost load": LoadCommand(load_program, mode.client_cpus)}
    results = []
    port = ports.take()
    with running(server, port, mode.server_cpus) as process:
        for name in dict.fromkeys(["small", *workloads]):
            warm_up(both["C client"], WORKLOADS[name], port, warm_up_seconds)
        for number in range(count):
            results.append({name: {} for name in both})
            # Workload by workload, so that a drift of the machine meets both; another one begins each round.
            for workload in workloads:
                for name in list(both)[::-1 if number % 2 else 1]:
                    say(f"clients, {mode.name}, round {number + 1} of {count}: {name}")
                    results[-1][name][workload] = one_workload(both[name], WORKLOADS[workload], port, process, seconds)
    return results


def warm_up(client, workload, port, least):
    """For the least time, and then until the rate rises no more."""
    spent, last, rate = 0, 0, 0
    while spent < least or (rate > last * STILL_RISING and spent < WARM_UP_LIMIT):
        last, rate = rate, workload.rate(client.drive(workload, port, WARM_UP_SLICE))
        spent += WARM_UP_SLICE
        time.sleep(WARM_UP_PAUSE)


def one_workload(client, workload, port, process, seconds):
    wall, busy, client_cpu, cpu = time.monotonic(), busy_seconds(), finished_children_seconds(), cpu_seconds(process)
    result = client.drive(workload, port, seconds, process.pid)
    wall, busy, client_cpu, cpu = (
        time.monotonic() - wall, busy_seconds() - busy, finished_children_seconds() - client_cpu, cpu_seconds(process) - cpu)
    result["cpus"] = cpu / wall
    result["others_cpus"] = max(0, busy - client_cpu - cpu) / wall
    result["rate"] = workload.rate(result)
    cost = ""
    if result.get("server_cpu_seconds") and result["messages"]:
        result["cpu_us"] = result["server_cpu_seconds"] / result["messages"] * 1e6
        cost = f"{result['cpu_us']:,.2f} µs of CPU/{workload.cost}, "
    if "resumed" in result and workload.mode == "churn" and result["opened"]:
        result["resumed_share"] = result["resumed"] / result["opened"]
    say(f"  {workload.name}: {result['rate']:,.0f} {workload.unit}, {cost}p99 {result['p99_us']:,.0f} µs, "
        f"{result['errors']} errors, {result['mismatches']} mismatches, others {result['others_cpus']:.2f} CPUs")
    return result


def finished_children_seconds():
    """CPU time of the clients so far; servers are still running when this is asked."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def most_connections(title, wanted):
    """As many as the descriptor limit lets both the client and every server have."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(1, min(wanted, limit - DESCRIPTORS_ASIDE))
    if most < wanted:
        say(f"{title}: {most} connections rather than {wanted}, because the limit is {limit} file descriptors")
    return most


def idle(servers, client_program, ports, connections, warm_up_seconds):
    """What each server keeps for connections that have echoed once and then are quiet."""
    results = {}
    for server in servers:
        say(f"idle: {server.name}")
        try:
            results[server.name] = idle_server(server, Client(client_program), ports.take(), connections, warm_up_seconds)
        except ServerFailed as e:
            say(f"  left out: {e}")
    return results


def idle_server(server, client, port, connections, warm_up_seconds):
    with running(server, port) as process:
        warm_up(client, WORKLOADS["small"], port, warm_up_seconds)
        time.sleep(SETTLE_SECONDS)
        before = rss_bytes(process)
        holder, counts = client.hold(connections, port)
        with holder:
            time.sleep(SETTLE_SECONDS)
            after, cpu = rss_bytes(process), cpu_seconds(process)
            time.sleep(IDLE_CPU_SECONDS)
            cpu = (cpu_seconds(process) - cpu) / IDLE_CPU_SECONDS
            # Leaving "with" closes its standard input, for which it waits.
        return {
            "connections": counts["opened"],
            "rss_before": before,
            "rss_after": after,
            "bytes_a_connection": (after - before) / max(1, counts["opened"]),
            "cpus": cpu,
            "errors": counts["errors"],
            "mismatches": counts["mismatches"],
        }
