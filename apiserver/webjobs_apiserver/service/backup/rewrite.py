"""What the store says of the WebJob that owns it, for the WebJob that was restored. Pure."""

from __future__ import annotations

import json

from webjobs.constants import STATUS_FILE
from webjobs.objects import Object
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.backup.places import StoredFile


def owned(file: StoredFile, content: bytes, *, uid: str) -> bytes:
    """Return a run in the store, or the journal of a continuous job's log, as that of a WebJob with a UID.

    Raises BadRequest for what is none.
    """
    head, _, lines = (content, b"", b"") if file.name == STATUS_FILE else content.partition(b"\n")
    try:
        body = json.loads(head)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise BadRequest(f"store/{file.key} of the backup can't be read.")
    if file.name == STATUS_FILE:
        return _compact(body | {"WebJobUid": uid})
    # Its pods are gone: where their stories were told to is of no use, but for the UIDs of new pods.
    return _compact(body | {"owner": uid, "positions": {}}) + b"\n" + lines


def _compact(body: Object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
