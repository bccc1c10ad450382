"""The content of a site: the files of its deployed zip that are no WebJob's, such as a web application. Pure.

It is a package in the store. Which one is in force stands in an annotation of the Secret with the app settings: that
object is of the site, the operator watches it, and nobody who may only look can read it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from webjobs.objects import Object, ObjectView

ANNOTATION = "webjobs.dev/site-content"
"""Annotation of the Secret with the app settings of a site: the site's content as JSON."""

HOME = "/home"
"""HOME of a process that gets the content of its site, as on App Service."""
WEBROOT = f"{HOME}/site/wwwroot"
"""Folder of a pod with the content of its site."""
_UNSAFE = re.compile(r"[/:\\]")


class SiteContent(BaseModel):
    """The content of a site, as a package in the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    """Digest of the package's manifest."""
    size: int = Field(ge=0)
    """Bytes of all files."""
    files: int = Field(ge=0)
    """Number of files; 0: the site has none."""


def content_of(secret: ObjectView | None) -> SiteContent | None:
    """Return the content of a site that its Secret names; None when it names none, or nothing that can be read."""
    annotations = (secret["metadata"].get("annotations") if secret else None) or {}
    try:
        found = SiteContent.model_validate_json(annotations[ANNOTATION]) if ANNOTATION in annotations else None
    except ValidationError:
        return None
    return found if found and found.files else None


def secret_with(there: Object, content: SiteContent) -> Object:
    """Return a Secret that names the content of its site."""
    meta: Mapping[str, Any] = there["metadata"]
    annotations = {**(meta.get("annotations") or {}), ANNOTATION: content.model_dump_json()}
    return there | {"metadata": {**meta, "annotations": annotations}}


def job_folder(*, job_type: str, name: str) -> str:
    """Return the path of a job's files in the content of its site, in a pod."""
    return f"{WEBROOT}/App_Data/jobs/{job_type}/{_segment(name)}"


def data_folder(*, job_type: str, name: str) -> str:
    """Return the path of a job's data beside the content of its site, in a pod."""
    return f"{HOME}/data/jobs/{job_type}/{_segment(name)}"


def _segment(name: str) -> str:
    """Return a job's name as one part of a path: Kubernetes takes no colon in the path of a volume."""
    return "_" if name in (".", "..") else _UNSAFE.sub("_", name)
