"""What the servers are asked to do, and the client that asks."""
import json
import subprocess
from dataclasses import dataclass, replace

from .servers import ServerFailed, on_cpus


@dataclass(frozen=True)
class Workload:
    name: str
    meaning: str
    unit: str
    cost: str  # what CPU time is counted by
    mode: str
    connections: int
    size: int
    in_flight: int = 1
    threads: int = 1
    rate_of_messages: float = 0  # a second, for paced
    resume: bool = False  # TLS sessions

    def rate(self, result):
        amount = result["bytes"] / 2**20 if self.unit == "MiB/s" else result["messages"]
        return amount / result["seconds"]


WORKLOADS = {workload.name: workload for workload in [
    Workload("small", "64 connections, 64 B", "msg/s", "message", "pingpong", 64, 64),
    Workload("stream", "64 connections, 16 KiB, 4 in flight", "MiB/s", "16 KiB", "pingpong", 64, 16384, in_flight=4),
    Workload("many", "1,000 connections, 64 B", "msg/s", "message", "pingpong", 1000, 64),
    Workload("churn", "8 threads: connect, echo 64 B, close", "conn/s", "connection", "churn", 8, 64, threads=8),
]}


TLS_WORKLOADS = {workload.name: workload for workload in [
    Workload("tls churn", "8 threads: connect, full handshake, echo 64 B, close", "conn/s", "handshake", "churn", 8, 64, threads=8),
    Workload("tls resume", "the same, sessions resumed", "conn/s", "handshake", "churn", 8, 64, threads=8, resume=True),
    Workload("tls small", "64 connections, 64 B", "msg/s", "message", "pingpong", 64, 64),
    Workload("tls stream", "64 connections, 16 KiB, 4 in flight", "MiB/s", "16 KiB", "pingpong", 64, 16384, in_flight=4),
]}

# With as many threads of the client as a server has event loops at the most, so that no loop waits for the client's one.
LOOP_WORKLOADS = {workload.name: workload for workload in [
    replace(WORKLOADS["small"], threads=2),
    WORKLOADS["churn"],
]}


def paced(connections, rate):
    return Workload(str(connections), "messages of 64 B at a fixed rate", "msg/s", "message", "paced", connections, 64, rate_of_messages=rate)


class Client:
    """The one client, pinned or not; with a file that has a certificate it uses TLS and trusts that."""

    def __init__(self, program, cpus=None, certificate=None):
        self._program = program
        self._cpus = cpus
        self._certificate = certificate

    def drive(self, workload, port, seconds, server_pid=0):
        """Runs a workload; returns what the client counted, and the CPU time that the server took meanwhile."""
        command = self._command(workload, port) + ["--seconds", str(seconds), "--server", str(server_pid)]
        run = subprocess.run(command, capture_output=True, text=True, preexec_fn=on_cpus(self._cpus), timeout=seconds + 60)
        if run.returncode != 0:
            raise ServerFailed(f"the client failed: {run.stderr.strip()}")
        return json.loads(run.stdout)

    def hold(self, connections, port):
        """Opens idle connections; returns the client, which holds them until its standard input is closed, and its counts."""
        workload = Workload("idle", "", "", "", "idle", connections, 64)
        holder = subprocess.Popen(self._command(workload, port), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = holder.stdout.readline()
        if not line:
            raise ServerFailed("the client failed")
        return holder, json.loads(line)

    def _command(self, workload, port):
        return [
            self._program,
            "--port", str(port),
            "--mode", workload.mode,
            "--connections", str(workload.connections),
            "--size", str(workload.size),
            "--in-flight", str(workload.in_flight),
            "--threads", str(workload.threads),
            *(["--rate", str(workload.rate_of_messages)] if workload.rate_of_messages else []),
            *(["--tls", str(self._certificate)] if self._certificate else []),
            *(["--resume"] if workload.resume else []),
        ]


class LoadCommand:
    """EchoHost's own client, its command load, which does the same as the one client where it is asked for the same."""

    def __init__(self, program, cpus=None):
        self._program = program
        self._cpus = cpus

    def drive(self, workload, port, seconds, server_pid=0):
        """Runs a workload; returns what the command counted, in the client's own words. It knows nothing of CPU time."""
        command = [
            self._program, "load", f"127.0.0.1:{port}", "--json",
            "--duration", f"{seconds}s",
            "--connections", str(workload.connections),
            "--size", str(workload.size),
            *(["--reconnect"] if workload.mode == "churn" else ["--pipeline", str(workload.in_flight)]),
        ]
        run = subprocess.run(command, capture_output=True, text=True, preexec_fn=on_cpus(self._cpus), timeout=seconds + 60)
        if not run.stdout:
            raise ServerFailed(f"load failed: {run.stderr.strip()}")
        result = json.loads(run.stdout)
        return {
            "messages": result["messages"],
            "bytes": result["messages"] * workload.size,
            "seconds": result["seconds"],
            "p99_us": result["latencyMicroseconds"]["p99"],
            "errors": sum(result["errors"].values()) - result["mismatches"],
            "mismatches": result["mismatches"],
        }
