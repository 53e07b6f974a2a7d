"""What the figures were measured on and with."""
import datetime
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

TOOLS = {
    "gcc": ["gcc", "-dumpfullversion"],
    "go": ["go", "version"],
    "rustc": ["rustc", "--version"],
    "erlang": ["erl", "-noshell", "-eval", 'io:put_chars(erlang:system_info(otp_release)), halt().'],
    "nginx": ["nginx", "-v"],
    "openssl": ["openssl", "version"],
    "dotnet": ["dotnet", "--version"],
}


def describe(builds):
    """The machine and its tools, and what was built with them: a description by name."""
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "tools": {name: version(command) for name, command in TOOLS.items() if shutil.which(command[0])},
        "builds": builds,
    }


def line(machine):
    tools = ", ".join(f"{name} {version}" for name, version in machine["tools"].items())
    # Results of earlier versions do not say.
    built = "".join(f"; {name}: {kind}" for name, kind in machine.get("builds", {}).items())
    return f"{machine['date']}: {machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}; {tools}{built}"


def cpu_model():
    for entry in Path("/proc/cpuinfo").read_text().splitlines():
        if entry.startswith("model name"):
            return entry.partition(":")[2].strip()
    return platform.machine()


def version(command):
    """The first number in its answer."""
    answer = subprocess.run(command, capture_output=True, text=True)
    number = re.search(r"\d+(\.\d+)*", answer.stdout or answer.stderr)
    return number.group() if number else "?"
