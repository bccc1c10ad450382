"""Backups as a test writes them."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

from tests.fakes.objects import run_body, webjob_body


def packed(entries: dict[str, bytes], **more: Any) -> bytes:
    """A tar of these files, in their order; ``more``: fields of all their headers."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in more.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def backup_of(*names: str) -> bytes:
    """A backup of a WebJob with ended runs of these names, and with a WebJobSchedule whose one time has just passed."""
    slot = {"lastScheduleTime": "2026-01-01T00:00:20Z", "lastOutcome": "Skipped"}
    schedule = {
        "apiVersion": "webjobs.dev/v1",
        "kind": "WebJobSchedule",
        "metadata": {"name": "once"},
        "spec": {"webJobName": "job", "at": slot["lastScheduleTime"]},
        "status": slot,
    }
    objects = [("WebJob/job", webjob_body(status={"lastScheduleTime": slot["lastScheduleTime"]}))]
    for name in names:
        status = {"runId": name[-18:], "endTime": "2026-01-01T00:00:10Z", "exitCode": 0}
        objects.append((f"WebJobRun/{name}", run_body(name, state="Success", status=status)))
    objects.append(("WebJobSchedule/once", schedule))
    bodies = {f"objects/{place}.json": json.dumps(body).encode() for place, body in objects}
    first, *others = bodies.items()
    logs = {f"store/data/jobs/triggered/job/{name[-18:]}/output_log.txt": b"hello\r\n" for name in names}
    return packed({"backup.json": b'{"format": 1}'} | dict([first]) | logs | dict(others))
