"""All that the API server tells of runs, written down: what a run was before it went with the history."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from typing import Any

from tests import stack as stacks
from tests.site import Site

ENDED = ("Success", "Failed", "Aborted", "Skipped")


@dataclass
class Entry:
    """One run as it was last."""

    body: dict[str, Any]
    deleted: bool = False

    @property
    def state(self) -> str | None:
        found: str | None = self.body.get("status", {}).get("state")
        return found


class Ledger:
    """A watch from the beginning on, until it is closed."""

    def __init__(self, site: Site) -> None:
        self.entries: dict[str, Entry] = {}
        """By name: names of runs don't come back."""
        self.wrong: list[str] = []
        path = f"/apis/webjobs.dev/v1/namespaces/{stacks.SITE}/webjobruns"
        listed = json.loads(site.kubectl("get", "--raw", path, namespace=None))
        version = listed["metadata"]["resourceVersion"]
        self._process = subprocess.Popen(
            [stacks.tool("kubectl"), "get", "--raw", f"{path}?watch=1&resourceVersion={version}&timeoutSeconds=7200"],
            env=os.environ | {"KUBECONFIG": str(site.stack.kubeconfig)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def close(self) -> None:
        """Ends the watch; wrong when it had ended before."""
        if self._process.poll() is not None:
            self.wrong.append("the ledger's own watch broke: what it says is not all")
        self._process.terminate()
        self._process.wait()
        self._thread.join()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                event = json.loads(line)
                if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
                    self.take(event["object"], deleted=event["type"] == "DELETED")

    def take(self, body: dict[str, Any], *, deleted: bool) -> None:
        """One event."""
        name, entry = body["metadata"]["name"], Entry(body=body, deleted=deleted)
        before = self.entries.get(name)
        if before and before.state in ENDED and entry.state != before.state:
            self.wrong.append(f"run {name} ended as {before.state}, and then was {entry.state}")
        if deleted and entry.state not in ENDED:
            self.wrong.append(f"run {name} went before it had ended ({entry.state})")
        self.entries[name] = entry
