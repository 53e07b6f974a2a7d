"""How cost grows with connections: messages at a fixed rate, and the HTTP answers of a server that has them."""
import functools
import time

from . import http_answers
from .measure import one_workload, in_turn, most_connections, say, warm_up
from .servers import ServerFailed, cpu_seconds, rss_bytes, running
from .workloads import WORKLOADS, Client, paced

CONNECTIONS = [1, 10, 100, 1000, 10000]
TURNS = 2  # how many messages each connection has at least
SETTLE_SECONDS = 2


def steps():
    """Up to as many connections as descriptors allow."""
    most = most_connections("growth", CONNECTIONS[-1])
    return [count for count in CONNECTIONS if count < most] + [most]


def measure(servers, mode, client_program, ports, rate, count, seconds, warm_up_seconds):
    connections = steps()
    client = Client(client_program, mode.client_cpus)

    def messages(server):
        port = ports.take()
        with running(server, port, mode.server_cpus) as process:
            warm_up(client, WORKLOADS["small"], port, warm_up_seconds)
            result = {}
            for number in connections:
                workload = paced(number, rate)
                result[workload.name] = one_workload(client, workload, port, process, max(seconds, TURNS * number / rate))
                result[workload.name]["server_cpus"] = result[workload.name]["server_cpu_seconds"] / result[workload.name]["seconds"]
            return {"rss_bytes": rss_bytes(process), "workloads": result}

    return {
        "meaning": mode.meaning,
        "rate": rate,
        "servers": [server.name for server in servers],
        "workloads": [str(number) for number in connections],
        "rounds": in_turn({server.name: functools.partial(messages, server) for server in servers}, count, "growth"),
        "http": http(servers, mode, client, ports, connections),
    }


def http(servers, mode, client, ports, connections):
    """What each server's HTTP answers cost while connections are open and idle, by its name and their number."""
    results = {}
    for server in servers:
        if not server.answers_http:
            continue
        say(f"growth, HTTP answers: {server.name}")
        try:
            results[server.name] = http_of(server, mode, client, ports, connections)
        except ServerFailed as e:
            say(f"  left out: {e}")
    return results


def http_of(server, mode, client, ports, connections):
    result = {}
    port, http_port = ports.take(), ports.take()
    with running(server, port, mode.server_cpus, http_port=http_port) as process:
        for number in connections:
            holder, counts = client.hold(number, port)
            with holder:
                time.sleep(SETTLE_SECONDS)
                answers = http_answers.measure(http_port, lambda: cpu_seconds(process))
                # Leaving "with" closes its standard input, for which it waits.
            result[str(number)] = {**answers, "errors": counts["errors"], "mismatches": counts["mismatches"]}
            say(f"  {number} connections: " + ", ".join(
                f"{path} {figures['cpu_ms']:.2f} ms of CPU" for path, figures in answers["paths"].items()))
            time.sleep(SETTLE_SECONDS)
    return result
