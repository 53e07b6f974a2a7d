"""The command line."""
import argparse
import os
import shlex
from pathlib import Path

from . import builds
from .servers import Server
from .workloads import WORKLOADS

EXAMPLES = """
examples:
  bench/compare                                        every server and workload, pinned
  bench/compare --mode both --startup --idle --json results.json --svg results.svg
  bench/compare --workloads small --peers epoll --rounds 1 --seconds 1
  bench/compare --workloads none --startup             start-up alone
  bench/compare --also-jit --peers none                EchoHost as a native file beside EchoHost compiled as it runs
  bench/compare --peers none --transports none --clients   the client beside EchoHost's load alone
  bench/compare --workloads none --growth --peers epoll,go --transports Epoll --growth-svg growth.svg
  bench/compare --workloads none --tls --peers none --transports Epoll
  bench/compare --workloads none --loops --peers none --transports none --echohost /opt/echohost/EchoHost
  bench/compare --server 'mine=/opt/echo --port {port}'
  bench/compare --from results.json --svg results.svg  measure nothing, show an earlier run again
"""


def parse(description):
    parser = argparse.ArgumentParser(description=description, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--mode", choices=["pinned", "free", "both"], default="pinned",
        help="pinned: the server on one CPU, the client on another; free: both on all (default: pinned)")
    add("--rounds", type=positive(int), default=5, metavar="N", help="how often every server is measured (default: 5)")
    add("--seconds", type=positive(float), default=3, metavar="S",
        help="how long each workload is measured in a round (default: 3)")
    add("--warm-up", type=positive(float), default=2, metavar="S",
        help="least warm-up by each workload; it goes on while the rate rises (default: 2)")
    add("--workloads", type=names(WORKLOADS), default=list(WORKLOADS), metavar="LIST",
        help=f"of {','.join(WORKLOADS)}, or none (default: all)")
    add("--peers", type=names(builds.PEERS), default=list(builds.PEERS), metavar="LIST",
        help=f"of {','.join(builds.PEERS)}, or none (default: all)")
    add("--transports", type=names(builds.TRANSPORTS), default=builds.TRANSPORTS, metavar="LIST",
        help="EchoHost's: of Epoll,Sockets, or none (default: both)")
    add("--also-jit", action="store_true",
        help="publish EchoHost a second time, to be compiled as it runs (-p:PublishAot=false), and measure that too")
    add("--echohost", type=program, metavar="FILE",
        help="measure this program, which was published earlier, rather than publish EchoHost")
    add("--server", type=named_command, action="append", default=[], metavar="NAME=COMMAND",
        help="one more server; {port} in its command stands for the port, and {http_port} for the HTTP port where it answers as EchoHost does; "
             "the process started must be the server itself. May be repeated")
    add("--startup", type=positive(int), nargs="?", const=10, metavar="N",
        help="start each server N times too: time to the first echo, the first messages, memory before any load (default of N: 10)")
    add("--idle", type=positive(int), nargs="?", const=8000, metavar="N",
        help="measure the memory of N idle connections too (default of N: 8000, or what the descriptor limit allows)")
    add("--growth", action="store_true",
        help="measure how cost grows with connections too: 1 to 10,000 of them with the same rate of messages, and EchoHost's HTTP answers")
    add("--growth-rate", type=positive(float), default=5000, metavar="N",
        help="with --growth, messages a second over all connections (default: 5000)")
    add("--growth-svg", type=Path, metavar="FILE", help="draw what --growth measured")
    add("--tls", action="store_true",
        help="measure TLS 1.3 too: handshakes, full and resumed, and the echo over it; of Go, nginx and EchoHost")
    add("--tls-peers", type=names(builds.TLS_PEERS), default=list(builds.TLS_PEERS), metavar="LIST",
        help=f"with --tls, beside EchoHost's transports: of {','.join(builds.TLS_PEERS)}, or none (default: both)")
    add("--loops", action="store_true",
        help="compare EchoHost with one event loop and with two, on one CPU and on two, too")
    add("--clients", action="store_true",
        help="have EchoHost's own command load drive EchoHost too, beside the client that all servers are measured with")
    add("--port", type=positive(int), default=7600, metavar="P",
        help="the first of 100 ports that the servers may use (default: 7600)")
    add("--json", type=Path, metavar="FILE", help="write all that was measured")
    add("--svg", type=Path, metavar="FILE", help="draw the ratios")
    add("--from", type=Path, dest="source", metavar="FILE",
        help="show what an earlier run wrote with --json instead of measuring")
    add("--build-only", action="store_true", help="build, say what is left out, and measure nothing")
    return parser.parse_args()


def positive(kind):
    def parse(text):
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"'{text}' is not more than 0")
        return value
    return parse


def names(known):
    def parse(text):
        given = [] if text == "none" else text.split(",")
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"there is no '{name}'; there are {', '.join(known)}")
        return given
    return parse


def program(text):
    path = Path(text).resolve()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is no program")
    return path


def named_command(text):
    name, is_there, command = text.partition("=")
    if not is_there or "{port}" not in command:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=COMMAND with {{port}} in it")
    return Server(name, shlex.split(command))
