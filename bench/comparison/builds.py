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

# What ends TLS beside EchoHost.
TLS_PEERS = {"go": "Go", "nginx": "nginx"}
TLS_BASELINE = TLS_PEERS["go"]
NGINX_MODULES = Path("/usr/lib/nginx/modules")
OPENSSL_HEADERS = Path("/usr/include/openssl/ssl.h")

# What was published so far, in words, by name.
published = {}


class CannotBuild(Exception):
    """Why something is left out, in one line."""


# A published EchoHost to measure instead of publishing one.
given_echohost = None


def client():
    return str(compile_c("client", client_sources(), CACHE / "echo-client"))


def tls_client():
    """The same client with TLS, as a program of its own, so that the other measurements don't need OpenSSL."""
    if not OPENSSL_HEADERS.exists():
        raise CannotBuild(f"there is no {OPENSSL_HEADERS} (Debian: libssl-dev)")
    sources = client_sources() + sorted((BENCH / "client/tls").glob("*.c"))
    return str(compile_c("tls-client", sources, CACHE / "echo-tls-client", "-DWITH_TLS", "-lssl", "-lcrypto"))


def client_sources():
    return sorted((BENCH / "client").glob("*.c"))


def peer(name):
    """Builds one of PEERS, and says how it is started."""
    builders = {"epoll": epoll, "tokio": tokio, "go": go, "erlang": erlang, "kestrel": kestrel}
    return Server(PEERS[name], builders[name]())


@functools.cache
def echohost_program():
    """Publishes EchoHost as it is meant to be, or takes the one that was given."""
    program = given_echohost or publish("EchoHost", REPOSITORY / "src/EchoHost")
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


def echohost(program, transport, suffix="", *settings):
    """How EchoHost is started with a transport."""
    command = [
        str(program),
        "--Echo:Endpoints:Tcp:Url=tcp://*:{port}",
        "--Urls=http://localhost:{http_port}",
        "--Echo:LogMessages=false",
        f"--Echo:Transport={transport}",
        *settings,
    ]
    return Server(f"EchoHost {transport}{suffix}", command, [str(program), "--version"])


def echohost_tls(program, transport, certificate, key):
    """The same, with TLS on its endpoint."""
    plain = echohost(program, transport)
    settings = [
        # The last of two values holds.
        "--Echo:Endpoints:Tcp:Url=tls://*:{port}",
        f"--Echo:Endpoints:Tcp:Certificate:Path={certificate}",
        f"--Echo:Endpoints:Tcp:Certificate:KeyPath={key}",
    ]
    return Server(plain.name, plain.command + settings, tls=True)


def tls_peer(name, certificate, key):
    """Builds one of TLS_PEERS, and says how it is started."""
    builders = {"go": go_tls, "nginx": nginx}
    return builders[name](certificate, key)


def go_tls(certificate, key):
    return Server(TLS_PEERS["go"], [*go("go-tls", "tls.go"), str(certificate), str(key)], tls=True)


def nginx(certificate, key):
    """It passes everything on to the plain C server."""
    need("nginx", "nginx")
    if not (NGINX_MODULES / "ngx_stream_module.so").exists():
        raise CannotBuild(f"there is no ngx_stream_module.so in {NGINX_MODULES} (Debian: libnginx-mod-stream)")
    folder = CACHE / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    words = {"folder": folder, "modules": NGINX_MODULES, "certificate": certificate, "key": key}
    content = (BENCH / "peers/nginx/nginx.conf").read_text()
    for word, value in words.items():
        content = content.replace(f"{{{word}}}", str(value))
    configuration = folder / "nginx.conf"
    command = ["nginx", "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
    return Server(TLS_PEERS["nginx"], command, tls=True, backend=Server("C epoll", epoll()), files={configuration: content})


def certificate_and_key():
    """One for all servers: ECDSA on P-256, for localhost, made anew."""
    need("openssl", "openssl")
    folder = CACHE / "tls"
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    run("certificate", [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-out", str(certificate), "-keyout", str(key)])
    return certificate, key


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


def go(peer="go", listening="plain.go"):
    """Builds the Go server with the one of its files that listens."""
    need("go", "golang-go")
    program = CACHE / f"{peer}-echo"
    environment = {**os.environ, "GOCACHE": str(CACHE / "go-cache")}
    sources = [str(BENCH / "peers/go" / name) for name in ("main.go", listening)]
    run(peer, ["go", "build", "-o", str(program), *sources], env=environment)
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


def compile_c(name, sources, program, *options):
    need("gcc", "gcc")
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread"]
    run(name, ["gcc", *flags, "-o", str(program), *map(str, sources), *options])
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
