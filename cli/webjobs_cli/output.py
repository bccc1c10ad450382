"""Results as table, JSON, YAML or names. Pure but for the stream that it is given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from webjobs.model import GROUP
from webjobs_cli import text
from webjobs_cli.session import Session
from webjobs_cli.tables import Table


def dump(value: Any, form: str) -> str:
    """Return a value as ``json`` or ``yaml``."""
    if form == "json":
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)


def show(session: Session, table: Table, objects: Sequence[dict[str, Any]], *, kind: str, none: str) -> None:
    """Print objects of Kubernetes in the form that was asked for.

    ``none``: what to say when there is nothing.
    """
    form = session.options.output
    cleaned = [without_noise(one) for one in objects]
    if form == "name":
        for one in objects:
            session.print(f"{kind.lower()}.{GROUP}/{one['metadata']['name']}")
    elif form in ("json", "yaml"):
        session.print(dump({"apiVersion": "v1", "kind": "List", "items": cleaned}, form), end="")
    elif objects:
        session.print(text.table(*table), end="")
    else:
        session.tell(none)


def without_noise(raw: dict[str, Any]) -> dict[str, Any]:
    """Return an object without managedFields, as kubectl shows it."""
    meta = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    return raw | {"metadata": meta}
