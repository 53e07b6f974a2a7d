"""Builds the client and the servers into a cache directory outside the repository."""
import functools
import os
import shutil
import subprocess
from pathlib import Path

from .servers import Server

BENCH = Path(__file__).resolve().parent.parent
REPOSITORY = BENCH.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "echohost-bench"
CARGO_REGISTRY = Path("/usr/share/cargo/registry")

# What each is asked for by, and shown as.
PEERS = {"epoll": "C epoll", "tokio": "Rust tokio", "go": "Go", "erlang": "Erlang", "kestrel": "stock Kestrel"}
BASELINE = PEERS["epoll"]
TRANSPORTS = ["Epoll", "Sockets"]

# What was published so far, in words, by name.
published = {}


class CannotBuild(Exception):
    """Why something is left out, in one line."""


def client():
    sources = sorted((BENCH / "client").glob("*.c"))
    return str(compile_c("client", sources, CACHE / "echo-client"))


def peer(name):
    """Builds one of PEERS, and says how it is started."""
    builders = {"epoll": epoll, "tokio": tokio, "go": go, "erlang": erlang, "kestrel": kestrel}
    return Server(PEERS[name], builders[name]())


@functools.cache
def echohost_program():
    """Publishes EchoHost as it is meant to be."""
    program = publish("EchoHost", REPOSITORY / "src/EchoHost")
    published["EchoHost"] = kind_of(program)
    return program


@functools.cache
def echohost_jit_program():
    """Publishes EchoHost without a native file, for the runtime's own compiler."""
    if not is_native(echohost_program()):
        raise CannotBuild("what is published is no native file, and so the same")
    program = publish("EchoHost", REPOSITORY / "src/EchoHost", "EchoHost-jit", "-p:PublishAot=false")
    published["EchoHost (JIT)"] = kind_of(program)
    return program


def echohost(program, transport, suffix=""):
    """How EchoHost is started with a transport."""
    command = [
        str(program),
        "--Echo:Endpoints:Tcp:Url=tcp://*:{port}",
        "--Urls=http://localhost:0",
        "--Echo:LogMessages=false",
        f"--Echo:Transport={transport}",
    ]
    return Server(f"EchoHost {transport}{suffix}", command, [str(program), "--version"])


def is_native(program):
    return not program.with_suffix(".dll").exists()


def kind_of(program):
    """What a published program is, in words."""
    return f"native file of {program.stat().st_size / 2**20:.1f} MiB" if is_native(program) else "needs the .NET runtime"


def epoll():
    program = compile_c("epoll", [BENCH / "peers/epoll/epoll.c"], CACHE / "epoll")
    return [str(program), "{port}"]


def tokio():
    need("cargo", "cargo")
    if not any(CARGO_REGISTRY.glob("tokio-[0-9]*")):
        raise CannotBuild("no tokio sources in /usr/share/cargo/registry (Debian: librust-tokio+full-dev)")
    folder = CACHE / "tokio"
    # Built in a copy, because cargo writes Cargo.lock beside Cargo.toml.
    shutil.copytree(BENCH / "peers/tokio", folder, dirs_exist_ok=True)
    (folder / ".cargo").mkdir(exist_ok=True)
    (folder / ".cargo/config.toml").write_text(
        '[source.crates-io]\nreplace-with = "debian"\n\n'
        f'[source.debian]\ndirectory = "{CARGO_REGISTRY}"\n')
    run("tokio", ["cargo", "build", "--release", "--offline", "--target-dir", str(folder / "target")], cwd=folder)
    return [str(folder / "target/release/tokio-echo"), "{port}"]


def go():
    need("go", "golang-go")
    program = CACHE / "go-echo"
    environment = {**os.environ, "GOCACHE": str(CACHE / "go-cache")}
    run("go", ["go", "build", "-o", str(program), str(BENCH / "peers/go/main.go")], env=environment)
    return [str(program), "{port}"]


def erlang():
    need("erlc", "erlang-base")
    need("erl", "erlang-base")
    folder = CACHE / "erlang"
    folder.mkdir(parents=True, exist_ok=True)
    run("erlang", ["erlc", "-o", str(folder), str(BENCH / "peers/erlang/echo_server.erl")])
    return ["erl", "-noshell", "-pa", str(folder), "-s", "echo_server", "main", "{port}"]


def kestrel():
    program = publish("StockKestrel", BENCH / "peers/kestrel")
    return [str(program), "{port}"]


def compile_c(name, sources, program):
    need("gcc", "gcc")
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread"]
    run(name, ["gcc", *flags, "-o", str(program), *map(str, sources)])
    return program


def publish(name, project, folder=None, *properties):
    """Publishes a project into a folder of the cache, by default the one of its name; returns the program."""
    need("dotnet")
    folder = folder or name
    output = CACHE / folder
    # What another kind of publishing left there would be taken for a part of this one.
    shutil.rmtree(output, ignore_errors=True)
    # All of a build's files go to the cache: nothing appears in bin/ and obj/ beside the sources.
    artifacts = CACHE / f"{folder}-build"
    run(folder, ["dotnet", "publish", str(project), "-c", "Release", "-o", str(output), "--artifacts-path", str(artifacts), "--nologo", *properties])
    return output / name


def need(program, debian_package=None):
    if shutil.which(program) is None:
        hint = f" (Debian: {debian_package})" if debian_package else ""
        raise CannotBuild(f"there is no '{program}'{hint}")


def run(name, command, **options):
    log = CACHE / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options).returncode
    if code != 0:
        raise CannotBuild(f"it does not build; see {log}")
