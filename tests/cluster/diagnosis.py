"""Why pods are not ready, for a person: reasons, events and logs, short here and whole in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cluster.errors import ClusterError
from tests.cluster.shell import kubectl, run

Object = Mapping[str, Any]
_EVENTS, _LINES = 3, 8


def explain(kubeconfig: Path, namespace: str, *, folder: Path) -> str:
    """Return why pods of a namespace are not ready; the whole of it is written into a file that the text names."""

    def ask(*words: str) -> str:
        try:
            return run([kubectl(), f"--kubeconfig={kubeconfig}", "--namespace", namespace, *words], timeout=30)
        except ClusterError:
            return ""  # a container that has not begun has no log

    try:
        pods: list[Object] = json.loads(ask("get", "pods", "--output=json"))["items"]
        events: list[Object] = json.loads(ask("get", "events", "--output=json"))["items"]
    except ValueError:
        return "the API server does not say why"

    def log_of(pod: str, container: str, previous: bool) -> str:
        return ask("logs", pod, f"--container={container}", "--tail=-1", f"--previous={str(previous).lower()}")

    path = folder / f"pods-of-{namespace}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [ask("get", "pods,deployments,pvc", "--output=wide"), ask("describe", "pods")]
    parts += [ask("get", "events", "--sort-by=.lastTimestamp"), *whole_logs(pods, log_of)]
    path.write_text("\n\n".join(parts))
    return "\n".join([*report(pods, events, log_of), f"the whole of it: {path}"])


def whole_logs(pods: Sequence[Object], log_of: Callable[[str, str, bool], str]) -> Iterator[str]:
    """Yield the log of each container, and of the one before it where there was one."""
    for pod in pods:
        name = pod["metadata"]["name"]
        for status in _statuses(pod):
            for previous in (True, False) if status.get("restartCount") else (False,):
                title = f"log of {name}, container {status['name']}{', before it was restarted' if previous else ''}"
                yield f"{title}:\n{log_of(name, status['name'], previous)}"


def report(pods: Sequence[Object], events: Sequence[Object], log_of: Callable[[str, str, bool], str]) -> Iterator[str]:
    """Yield lines about each pod that is not ready: its reasons, its last warnings, the end of its logs."""
    waiting = [pod for pod in pods if not is_ready(pod)]
    if not waiting:
        yield "all pods are ready" if pods else "there is no pod"
    for pod in waiting:
        name = pod["metadata"]["name"]
        yield f"pod {name} is not ready: {'; '.join(reasons(pod)) or pod['status'].get('phase', 'no status')}"
        about = [one for one in events if one["involvedObject"].get("name") == name and one.get("type") == "Warning"]
        for event in sorted(about, key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime")))[-_EVENTS:]:
            yield f"  {event.get('reason')}: {event.get('message', '').strip()}"
        for status in _statuses(pod):
            for previous in (True, False) if status.get("restartCount") else (False,):
                lines = log_of(name, status["name"], previous).strip().splitlines()[-_LINES:]
                if lines:
                    yield f"  {status['name']}{' before it was restarted' if previous else ''}:"
                    yield from (f"    {line}" for line in lines)


def is_ready(pod: Object) -> bool:
    """Return whether a pod is ready, or has done its work."""
    if pod["status"].get("phase") == "Succeeded":
        return True
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))


def reasons(pod: Object) -> list[str]:
    """Return what a pod waits for: its containers' reasons, or why it is on no node."""
    found = []
    for status in _statuses(pod):
        state = status.get("state", {})
        what = state.get("waiting") or state.get("terminated")
        if what and what.get("reason") != "Completed":
            found.append(f"{status['name']}: {what.get('reason')} {what.get('message', '')}".strip())
    for one in pod["status"].get("conditions", []):
        if one["type"] == "PodScheduled" and one["status"] != "True":
            found.append(f"{one.get('reason')} {one.get('message', '')}".strip())
    return found


def _statuses(pod: Object) -> list[Object]:
    status = pod["status"]
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
