"""Starts servers, and reads what the kernel knows of them."""
import ctypes
import os
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FIRST_ECHO_LIMIT = 30
STOP_LIMIT = 10

LIBC = ctypes.CDLL(None)


class ServerFailed(Exception):
    """Why a server could not be measured, in one line."""


@dataclass(frozen=True)
class Server:
    name: str
    command: list  # {port} in it stands for the port, {http_port} for that of its HTTP answers
    version: list = None  # a command that only prints its version; None where there is none to time
    tls: bool = False  # whether it echoes over TLS alone
    backend: "Server" = None  # what it passes everything on to, on {backend_port}
    files: dict = field(default_factory=dict)  # what is written by path before it is started, with the same words in it

    @property
    def answers_http(self):
        return any("{http_port}" in part for part in self.command)

    def on(self, port, **others):
        return [fill(part, port, others) for part in self.command]

    def write_files(self, port, **others):
        for path, content in self.files.items():
            path.write_text(fill(content, port, others))


def fill(text, port, others):
    """With port 0, HTTP is answered on any free port."""
    for name, value in {"port": port, "http_port": 0, **others}.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


class Ports:
    """Ports from a range, each in turn, so that no server meets the last one's closed connections."""

    def __init__(self, first, count=100):
        self._first = first
        self._count = count
        self._next = 0

    def take(self):
        for _ in range(self._count):
            port = self._first + self._next
            self._next = (self._next + 1) % self._count
            if is_free(port):
                return port
        raise SystemExit(f"compare: no free port from {self._first} to {self._first + self._count - 1}")


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
            return True
        except OSError:
            return False


def on_cpus(cpus):
    """For subprocess: has the child run on these CPUs alone; None leaves it as it is."""
    return None if cpus is None else lambda: os.sched_setaffinity(0, cpus)


@contextmanager
def running(server, port, cpus=None, **other_ports):
    """A process of the server that has echoed its first byte."""
    process = start(server, port, cpus, **other_ports)
    try:
        yield process
    finally:
        stop(process)


def start(server, port, cpus=None, **other_ports):
    """Starts a server; returns its process once it has echoed a byte."""
    try:
        server.write_files(port, **other_ports)
        process = subprocess.Popen(
            server.on(port, **other_ports), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=on_cpus(cpus))
    except OSError as e:
        raise ServerFailed(f"it can't be started: {e}") from e
    try:
        await_echo(process, port, server.tls, time.monotonic() + FIRST_ECHO_LIMIT)
    except BaseException:
        stop(process)
        raise
    return process


def await_echo(process, port, tls, limit):
    while not echoes(port, tls):
        if process.poll() is not None:
            raise ServerFailed(f"it ended with code {process.returncode}")
        if time.monotonic() > limit:
            raise ServerFailed(f"it echoed nothing within {FIRST_ECHO_LIMIT} s")
        time.sleep(0.002)


def echoes(port, tls):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as plain, secured(plain, tls) as connection:
            connection.sendall(b"x")
            return connection.recv(1) == b"x"
    except OSError:
        return False


def secured(connection, tls):
    """With TLS where that is wanted. The certificate is for the client to check."""
    if not tls:
        return connection
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection)


def stop(process):
    """Nothing that is measured depends on how a server ends, so it is not asked."""
    process.kill()
    process.wait(STOP_LIMIT)


def rss_bytes(process):
    for entry in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if entry.startswith("VmRSS:"):
            return int(entry.split()[1]) * 1024
    raise ServerFailed("it ended while it was measured")


def cpu_seconds(process):
    """Time on a CPU so far, user and system, of all its threads, ended ones too; to the nanosecond."""
    clock = ctypes.c_int()
    if LIBC.clock_getcpuclockid(process.pid, ctypes.byref(clock)) != 0:
        raise ServerFailed("it ended while it was measured")
    return time.clock_gettime(clock.value)


def busy_seconds():
    """Time that all CPUs together have been busy so far, with any program; what a hypervisor took from them counts too."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
