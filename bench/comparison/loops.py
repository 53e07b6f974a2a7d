"""EchoHost with one event loop and with two, on one CPU and on two."""
import functools
from dataclasses import dataclass

from .measure import in_turn, one_server, usable_cpus
from .servers import running
from .workloads import LOOP_WORKLOADS, Client

LOOPS = [1, 2]


@dataclass(frozen=True)
class Placement:
    name: str
    server_cpus: set
    client_cpus: set


def placements():
    """The server on one CPU and on two; the client has its own as far as there are enough."""
    cpus = usable_cpus()
    if len(cpus) >= 4:
        client = set(cpus[2:4])
        return [Placement("1 CPU", {cpus[0]}, client), Placement("2 CPUs", set(cpus[:2]), client)]
    if len(cpus) >= 2:
        return [Placement("1 CPU", {cpus[1]}, {cpus[0]}), Placement("2 CPUs", set(cpus[:2]), set(cpus[:2]))]
    return [Placement("1 CPU", set(cpus), set(cpus))]


def note():
    """What such a machine can show, and what it can't."""
    count = len(usable_cpus())
    if count >= 4:
        return "The client has two CPUs of its own throughout, so the rates show what a second loop adds."
    if count >= 2:
        return (
            "While the server is on 1 CPU, the client has the other one. While it is on 2 CPUs, the client shares both, and the two compete: "
            "those rates don't show what a second loop adds. What it costs shows in the server's CPU time, which is the figure to compare.")
    return "Server and client share the only CPU. The rates say little; the server's CPU time shows what a second loop costs."


def measure(server_with_loops, client_program, ports, count, seconds, warm_up_seconds):
    """In the shape of a mode's results: each number of loops on each number of CPUs is a server."""
    def one(server, placement):
        port = ports.take()
        with running(server, port, placement.server_cpus) as process:
            client = Client(client_program, placement.client_cpus)
            return one_server(process, port, LOOP_WORKLOADS.values(), client, seconds, warm_up_seconds)

    measurements = {
        f"{loops} loop{'s' if loops > 1 else ''}, {placement.name}": functools.partial(one, server_with_loops(loops), placement)
        for placement in placements() for loops in LOOPS
    }
    names = list(measurements)
    return {
        "meaning": "the server on one CPU and on two",
        "note": note(),
        "baseline": names[0],
        "servers": names,
        "workloads": list(LOOP_WORKLOADS),
        "seconds": seconds,
        "rounds": in_turn(measurements, count, "event loops"),
    }
