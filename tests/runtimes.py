"""Images and programs of the tests of Windows programs: ``image("mono", cluster)``, ``program("report")``.

The programs are compiled once for the machine from ``tests/programs``, by Debian's compilers: on this machine, or in a
container where an engine answers and they are not here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tests.cluster import Cluster, engine
from tests.cluster.built.compile import preflight
from tests.cluster.built.compile.preflight import Need
from tests.cluster.errors import ClusterError
from tests.cluster.images import runtime_images
from tests.cluster.lock import locked
from tests.cluster.model import Log, tell
from tests.cluster.paths import cache_root, repo_root
from tests.cluster.shell import run

Runtime = Literal["mono", "wine", "dotnet"]
SOURCES = repo_root() / "tests" / "programs"
_MCS, _GCC64, _GCC32 = "mcs", "x86_64-w64-mingw32-gcc", "i686-w64-mingw32-gcc"
_COMPILERS = (
    Need("mono-mcs", program=_MCS),
    Need("gcc-mingw-w64-x86-64", program=_GCC64),
    Need("gcc-mingw-w64-i686", program=_GCC32),
)
_NET = {
    "runtimeOptions": {"tfm": "netcoreapp3.1", "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"}},
}
PROGRAMS: Mapping[str, tuple[str, str]] = {
    "report": ("Report.cs", "Report.exe"),
    "report-net": ("Report.cs", "Report.dll"),
    "report-native": ("report.c", "Report.exe"),
    "report-native32": ("report.c", "Report.exe"),
    "host": ("Host.cs", "Host.exe"),
    "host-net": ("Host.cs", "Host.dll"),
    "host-native": ("host.c", "Host.exe"),
}
"""Source and file of each program: of .NET Framework, of .NET (``-net``), native (64-bit), native with 32 bits."""


def image(name: Runtime, cluster: Cluster, *, log: Log = tell) -> str:
    """Return the name of the image of a runtime, which the cluster has from now on.

    Raises:
        ClusterError: it cannot be built or loaded.
    """
    ref = runtime_images.ref_of(name, engine=cluster.image_engine)
    if not cluster.has_image(ref):
        out = cluster.state / f"image-{name}.tar"
        archive = runtime_images.build(name, ref=ref, out=out, engine=cluster.image_engine, log=log)
        log(f"loading the image {ref} into the node")
        cluster.load_image(archive, ref)
        archive.unlink()
    return ref


def program(name: str, *, log: Log = tell) -> dict[str, bytes]:
    """Return the files of one of ``PROGRAMS``, as a package would have them, by their names.

    Raises:
        ClusterError: it cannot be compiled.
    """
    source, file_name = PROGRAMS[name]
    made = _compiled(name, log=log)
    files = {file_name: made.read_bytes()}
    if file_name.endswith(".dll"):
        files[f"{Path(source).stem}.runtimeconfig.json"] = json.dumps(_NET, indent=2).encode()
    return files


def _compiled(name: str, *, log: Log) -> Path:
    source, file_name = PROGRAMS[name]
    command = compiler(name)
    text = (SOURCES / source).read_bytes() + " ".join(command).encode()
    made = cache_root() / "programs" / f"{name}-{hashlib.sha256(text).hexdigest()[:16]}"
    with locked(cache_root() / "locks" / "programs", what="the compiling of test programs", log=log):
        if made.is_file():
            return made
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".program-", dir=made.parent) as scratch:
            shutil.copy(SOURCES / source, scratch)
            _compile(command, Path(scratch), log=log)
            (Path(scratch) / file_name).rename(made)
    return made


def compiler(name: str) -> list[str]:
    """Return the command line that compiles a program of ``PROGRAMS``, source and result in its working folder."""
    source, file_name = PROGRAMS[name]
    if source.endswith(".cs"):  # an entry point is what .NET asks for too, whatever the file is called
        return [_MCS, "-nologo", "-target:exe", f"-out:{file_name}", source]
    return [_GCC32 if name.endswith("32") else _GCC64, "-O1", "-s", "-static", "-o", file_name, source]


def _compile(command: list[str], folder: Path, *, log: Log) -> None:
    """Run a compiler in the folder: of this machine, else in a container."""
    if all(need.met() for need in _COMPILERS):
        run(command, cwd=folder)
        return
    try:
        found = engine.current()
    except ClusterError:
        preflight.check(_COMPILERS, go=False, log=log)
        run(command, cwd=folder)
        return
    packages = " ".join(need.package for need in _COMPILERS)
    script = f"apt-get -qq update && apt-get -qq -y install --no-install-recommends {packages} && {' '.join(command)}"
    base = runtime_images.debian_image()
    mounted = ["--volume", f"{folder}:/programs", "--workdir", "/programs"]
    found.run("run", "--rm", *mounted, base, "sh", "-c", f"({script}) >&2", timeout=1800)
