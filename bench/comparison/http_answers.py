"""What EchoHost's HTTP answers cost it."""
import http.client
import time
from statistics import median

from .servers import ServerFailed

PATHS = ["/connections", "/connections?limit=10000", "/metrics"]
TIMES = 5
# EchoHost keeps a listing for a second, and rests for up to two after each, so that they don't take its processor.
PAUSE = 2
WATCHED_SECONDS = 8
LIMIT = 20


def measure(port, cpu_seconds):
    """The figures of each path, the median of several answers, and of the live page's events."""
    answers = {path: [] for path in PATHS}
    for _ in range(TIMES):
        for path in PATHS:
            answers[path].append(one_answer(port, path, cpu_seconds))
            time.sleep(PAUSE)
    return {
        "paths": {path: {key: median(answer[key] for answer in all_) for key in all_[0]} for path, all_ in answers.items()},
        "live": watch(port, cpu_seconds),
    }


def one_answer(port, path, cpu_seconds):
    cpu, begin = cpu_seconds(), time.monotonic()
    connection, response = get(port, path)
    try:
        length = len(response.read())
    except (OSError, http.client.HTTPException) as e:
        raise ServerFailed(f"GET {path}: {e}") from e
    ms = (time.monotonic() - begin) * 1000
    cpu_ms = (cpu_seconds() - cpu) * 1000
    connection.close()
    return {"ms": ms, "cpu_ms": cpu_ms, "bytes": length}


def watch(port, cpu_seconds):
    """CPU time a second, in µs: with nothing watching, and with one watcher of the live page's events."""
    quiet = cpu_us_a_second(cpu_seconds, lambda: time.sleep(WATCHED_SECONDS))
    connection, response = get(port, "/live")
    # The first events, with all that has happened so far, cost more than those that follow each second.
    read_for(response, PAUSE)
    watched = cpu_us_a_second(cpu_seconds, lambda: read_for(response, WATCHED_SECONDS))
    connection.close()
    return {"quiet_us": quiet, "watched_us": watched}


def cpu_us_a_second(cpu_seconds, spend):
    cpu, begin = cpu_seconds(), time.monotonic()
    spend()
    return (cpu_seconds() - cpu) * 1e6 / (time.monotonic() - begin)


def read_for(response, seconds):
    limit = time.monotonic() + seconds
    try:
        while time.monotonic() < limit:
            if not response.read1():
                raise ServerFailed("GET /live: the events ended")
    except (OSError, http.client.HTTPException) as e:
        raise ServerFailed(f"GET /live: {e}") from e


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
    except (OSError, http.client.HTTPException) as e:
        raise ServerFailed(f"GET {path}: {e}") from e
    if response.status != 200:
        raise ServerFailed(f"GET {path} was answered with {response.status}")
    return connection, response
