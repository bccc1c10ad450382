"""Process 1 of a built cluster: the whole node lives in its namespaces and ends with it.

Started by ``launch.py`` inside new network, mount, process and host name namespaces. It mounts what the node's
programs need to have for themselves, keeps the programs of the specification running, and reaps what is orphaned.
When it dies, for whatever reason, the kernel kills every process of the node, and with the last of them go its mounts
and its network: nothing can be left behind. It imports nothing of the project, since it runs by its path.

Signals: SIGUSR1 cuts the node's power (all but the control plane dies), SIGUSR2 gives it back.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BIND, _REC, _SHARED = 4096, 16384, 1 << 20
_BACKOFF = 0.5
_SIGNALS = {signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Program:
    """One program that is kept running.

    Attributes:
        control: part of the control plane, which outlives the node's power.
        gate: address and port that must accept connections before it is started.
    """

    name: str
    argv: list[str]
    env: dict[str, str]
    control: bool
    gate: tuple[str, int] | None
    pid: int = 0
    not_before: float = 0.0


def mount(source: str, target: Path, kind: str | None, flags: int = 0) -> None:
    """mount(2)."""
    names = [source.encode(), str(target).encode(), kind.encode() if kind else None]
    if _libc.mount(*names, ctypes.c_ulong(flags), None) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount {source} on {target}: {os.strerror(code)}")


def bind(source: Path, target: Path) -> None:
    """Show the folder ``source`` at ``target``."""
    source.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    mount(str(source), target, None, _BIND | _REC)


def cover(place: Path, keep: list[Path]) -> None:
    """Put an empty tmpfs on ``place``, but leave the folders ``keep`` visible if they lie below it."""
    inside = [folder for folder in keep if folder.is_relative_to(place) and folder != place]
    opened = [(os.open(folder, os.O_PATH | os.O_DIRECTORY), folder) for folder in inside]
    mount("tmpfs", place, "tmpfs")
    for descriptor, folder in opened:
        folder.mkdir(parents=True, exist_ok=True)
        mount(f"/proc/self/fd/{descriptor}", folder, None, _BIND | _REC)
        os.close(descriptor)


def private_mounts(spec: dict[str, Any]) -> None:
    """The node's own /run, /var/lib and /var/log, so that it neither sees nor disturbs the host's."""
    state = Path(spec["state"])
    keep = [Path(folder) for folder in spec["keep"]]
    mount("none", Path("/"), None, _REC | _SHARED)  # pods may ask for mount propagation; the host is a master of ours
    for place in (Path("/run"), Path("/var/lib")):
        cover(place, keep)
    bind(state / "kubelet", Path("/var/lib/kubelet"))
    bind(state / "cni", Path("/var/lib/cni"))
    bind(state / "log", Path("/var/log"))
    mount("proc", Path("/proc"), "proc")


def start(program: Program, logs: Path) -> None:
    """Start the program, its output added to its log file."""
    descriptor = os.open(logs / f"{program.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        program.pid = subprocess.Popen(
            program.argv,
            env={**os.environ, **program.env},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, set()) and None,
        ).pid
    finally:
        os.close(descriptor)


def reap(programs: list[Program]) -> None:
    """Collect all ended children; those that are programs are due again after a pause."""
    for _ in range(100_000):
        try:
            pid, _status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        for program in programs:
            if program.pid == pid:
                program.pid, program.not_before = 0, time.monotonic() + _BACKOFF


def cut_power(programs: list[Program]) -> None:
    """Kill every process but the control plane's and this one, until none is left."""
    spared = {1} | {program.pid for program in programs if program.control}
    for _ in range(100):
        victims = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        victims = [pid for pid in victims if pid not in spared]
        if not victims:
            return
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
        reap(programs)


def is_open(gate: tuple[str, int]) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(gate) == 0


def keep_running(programs: list[Program], state: Path) -> None:
    """Start what is due, wait for a signal, again and again, until somebody removes the state folder."""
    power = True
    while (state / "go").exists():
        waiting = False
        for program in programs:
            if program.pid or not (power or program.control):
                continue
            if time.monotonic() < program.not_before or (program.gate and not is_open(program.gate)):
                waiting = True
                continue
            start(program, state / "log")
        got = signal.sigtimedwait(_SIGNALS, 0.02 if waiting else 10.0)
        reap(programs)
        if got is not None and got.si_signo == signal.SIGUSR1:
            power = False
            cut_power(programs)
        elif got is not None and got.si_signo == signal.SIGUSR2:
            power = True


def main(spec_file: Path) -> None:
    """Set the node up as the specification says, report the process id as the host sees it, and keep it running."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    os.umask(0o022)
    spec = json.loads(spec_file.read_text())
    state = Path(spec["state"])
    host_pid = os.readlink("/proc/self")  # /proc is still the host's
    private_mounts(spec)
    socket.sethostname(spec["node"])
    report = state / "init.pid"
    report.with_suffix(".new").write_text(host_pid)
    report.with_suffix(".new").rename(report)
    for _ in range(3000):  # network and configuration come from outside; this file comes last
        if (state / "go").exists():
            break
        time.sleep(0.01)
    else:
        sys.exit("nobody has finished the configuration")
    programs = [
        Program(
            name=entry["name"],
            argv=entry["argv"],
            env=entry["env"],
            control=entry["control"],
            gate=(entry["gate"][0], entry["gate"][1]) if entry["gate"] else None,
        )
        for entry in json.loads((state / "programs.json").read_text())
    ]
    keep_running(programs, state)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
