"""Compiles the components that the cache does not hold yet, one after another, telling how long it takes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import engine
from tests.cluster.built.compile import container
from tests.cluster.built.compile.components import Component, components
from tests.cluster.lock import locked
from tests.cluster.model import Log
from tests.cluster.paths import cache_root
from tests.cluster.progress import clock, follow

_HEARTBEAT = 30.0
_LIMIT = 3600.0


def folder(component: Component) -> Path:
    """Where the component's programs are, or will be."""
    return cache_root() / "bin" / component.key


def missing(wanted: Sequence[Component]) -> list[Component]:
    """Those of ``wanted`` that are not in the cache."""
    return [component for component in wanted if not folder(component).is_dir()]


def ensure(wanted: Sequence[Component] | None = None, *, log: Log) -> dict[str, Path]:
    """Build what is missing of ``wanted`` (all components by default).

    Go's own caches are used as they are set up on the machine. A component appears in the cache as a whole or not at
    all, so a build that was interrupted goes on where it stopped.

    Returns:
        Each component's folder of programs, by name.

    Raises:
        ClusterError: a compiler failed; names its log.
    """
    wanted = components() if wanted is None else wanted
    if missing(wanted):
        with locked(cache_root() / "locks" / "build", what="a build of the cluster's programs", log=log):
            todo = missing(wanted)  # the process we may have waited for has built some
            if todo:
                log(f"compiling {len(todo)} components from source, once for this machine: about {_total(todo)}")
            for component in todo:
                _build(component, position=f"{wanted.index(component) + 1} of {len(wanted)}", log=log)
    return {component.name: folder(component) for component in wanted}


def _build(component: Component, *, position: str, log: Log) -> None:
    place = folder(component)
    place.parent.mkdir(parents=True, exist_ok=True)
    logs = cache_root() / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log_file = logs / f"build-{component.key}.log"
    title = f"building {component.name} {component.version} ({position}), usually {minutes(component.minutes)}"
    log(title)
    scratch = Path(tempfile.mkdtemp(prefix=f".{component.name}-", dir=place.parent))
    try:
        started = time.monotonic()
        _compile(component, scratch, log_file, title=title, log=log)
        for link, target in component.links:
            (scratch / link).symlink_to(target)
        scratch.chmod(0o755)
        scratch.rename(place)
        log(f"built {component.name} {component.version} in {clock(time.monotonic() - started)}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _compile(component: Component, out: Path, log_file: Path, *, title: str, log: Log) -> None:
    def filled(text: str) -> str:
        return text.replace("{out}", str(out))

    argv, env = [filled(word) for word in component.argv], {k: filled(v) for k, v in component.env.items()}
    if argv[0] == "go" and shutil.which("go") is None:
        argv, env = container.command(component, out, engine.current()), {}
        title += ", in a container"
    follow(
        argv,
        what=f"building {component.name}",
        title=title,
        log=log,
        output=log_file,
        env=env,
        cwd=component.cwd or out,
        timeout=_LIMIT,
        period=_HEARTBEAT,
    )


def _total(todo: Sequence[Component]) -> str:
    return minutes(sum(component.minutes for component in todo))


def minutes(amount: float) -> str:
    """``0.5`` -> ``30 seconds``, ``2.5`` -> ``3 minutes``."""
    if amount < 1.0:
        return f"{max(1, round(amount * 60))} seconds"
    whole = int(amount + 0.5)
    return f"{whole} minute{'s' if whole != 1 else ''}"
