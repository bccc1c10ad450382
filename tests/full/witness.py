"""Who watches the pods of all runs from outside: how often a run began, and how many of a job's were active at once."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from webjobs.model import LABEL_RUN, LABEL_WEBJOB

_PATH = "/api/v1/pods"


class Witness:
    """Keys are a namespace, a WebJob and (for ``begun``) a run id."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=httpx.Timeout(10, read=1))
        self._over = threading.Event()
        self._begun: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        self._active: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.most_active: Counter[tuple[str, str]] = Counter()
        self.failure: BaseException | None = None

    def begun(self, namespace: str, webjob: str) -> dict[str, int]:
        """How many processes each run had, by its id."""
        found = {run: len(pods) for (*job, run), pods in list(self._begun.items()) if job == [namespace, webjob]}
        return found

    @contextmanager
    def watching(self) -> Iterator[Witness]:
        """From now on."""
        version = self._http.get(_PATH, params={"labelSelector": LABEL_RUN}).json()["metadata"]["resourceVersion"]
        thread = threading.Thread(target=self._run, args=(version,))
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
            self._http.close()

    def _run(self, version: str) -> None:
        try:
            while not self._over.is_set():
                version = self._follow(version)
        except BaseException as error:  # told by who asks
            self.failure = error

    def _follow(self, version: str) -> str:
        query = {"watch": "1", "labelSelector": LABEL_RUN, "resourceVersion": version, "allowWatchBookmarks": "true"}
        try:
            with self._http.stream("GET", _PATH, params=query) as answer:
                for line in answer.iter_lines():
                    event = json.loads(line)
                    assert event["type"] != "ERROR", event
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self._see(event["object"], gone=event["type"] == "DELETED")
                    if self._over.is_set():
                        break
        except httpx.ReadTimeout:  # nothing happened for a second
            pass
        return version

    def _see(self, pod: dict[str, Any], *, gone: bool) -> None:
        meta = pod["metadata"]
        job = meta["namespace"], meta["labels"][LABEL_WEBJOB]
        for container in pod["status"].get("containerStatuses", []):
            for state in (container["state"], container.get("lastState", {})):
                if began := (state.get("running") or state.get("terminated") or {}).get("startedAt"):
                    self._begun[*job, meta["labels"][LABEL_RUN]].add(f"{meta['uid']} {began}")
        self._active[job].discard(meta["uid"])
        if not gone and not _is_over(pod["status"]):
            self._active[job].add(meta["uid"])
        self.most_active[job] = max(self.most_active[job], len(self._active[job]))


def _is_over(status: dict[str, Any]) -> bool:
    """Whether none of its processes runs any more: the phase may say so only seconds after the last one's end."""
    containers = status.get("containerStatuses", [])
    ended = bool(containers) and all("terminated" in container["state"] for container in containers)
    return ended or status.get("phase") in ("Succeeded", "Failed")
