"""TLS 1.3: handshakes, full and resumed, and the echo over it."""
import functools
from contextlib import ExitStack

from .measure import in_turn, one_server
from .servers import running
from .workloads import TLS_WORKLOADS, Client


def measure(servers, mode, client_program, certificate, ports, baseline, count, seconds, warm_up_seconds):
    """In the shape of a mode's results."""
    client = Client(client_program, mode.client_cpus, certificate)

    def one(server):
        port, backend_port = ports.take(), ports.take()
        with ExitStack() as stack:
            if server.backend:
                stack.enter_context(running(server.backend, backend_port, mode.server_cpus))
            process = stack.enter_context(running(server, port, mode.server_cpus, backend_port=backend_port))
            return one_server(process, port, TLS_WORKLOADS.values(), client, seconds, warm_up_seconds)

    names = [server.name for server in servers]
    return {
        "meaning": mode.meaning,
        "baseline": baseline if baseline in names else names[0],
        "servers": names,
        "workloads": list(TLS_WORKLOADS),
        "seconds": seconds,
        "rounds": in_turn({server.name: functools.partial(one, server) for server in servers}, count, f"TLS, {mode.name}"),
    }
