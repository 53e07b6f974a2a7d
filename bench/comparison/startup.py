"""Start-up: how soon a server echoes, how slow its first messages are, and its memory before any load."""
import json
import subprocess
import time

from .measure import say
from .servers import ServerFailed, rss_bytes, running

SETTLE_SECONDS = 0.5
LIMIT = 60


def measure(servers, client_program, ports, count):
    """Starts each server so often, in turn. The first start of each, which reads its files from the disk, is not counted."""
    results = {server.name: [] for server in servers}
    for number in range(count + 1):
        say(f"start-up: {number} of {count}" if number > 0 else "start-up: a first time, not counted")
        for server in servers:
            try:
                start = one_start(server, client_program, ports)
            except ServerFailed as e:
                say(f"  {server.name}: {e}")
                continue
            if number > 0:
                results[server.name].append(start)
    return results


def one_start(server, client_program, ports):
    port = ports.take()
    start = timed(client_program, ["--mode", "start", "--port", str(port)], server.on(port))
    if server.version:
        start["version_ms"] = timed(client_program, ["--mode", "process"], server.version)["ms"]
    # Another process, because the timed one has been driven by then.
    with running(server, ports.take()) as process:
        time.sleep(SETTLE_SECONDS)
        start["rss_bytes"] = rss_bytes(process)
    return start


def timed(client_program, options, command):
    """Has the client start and time a command, which Python would do too slowly."""
    try:
        run = subprocess.run([client_program, *options, "--", *command], capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired as e:
        raise ServerFailed(f"it took more than {LIMIT} s") from e
    if run.returncode != 0:
        raise ServerFailed(run.stderr.strip())
    return json.loads(run.stdout)
