"""The REST shim's settings: one YAML file, written by the chart."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Section(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class LimitsConfig(_Section):
    """Bounds of what clients may send."""

    upload_bytes: int = Field(default=256 * 2**20, gt=0)
    """Body of an upload."""
    unpacked_bytes: int = Field(default=2**30, gt=0)
    """All files of an upload together."""
    files: int = Field(default=10_000, gt=0)
    settings_bytes: int = Field(default=128 * 2**10, gt=0)
    """A settings object; it lives in the WebJob, and etcd takes objects up to 1.5 MB."""


class ApiserverConfig(_Section):
    """Everything that differs between installations."""

    namespace: str = Field(min_length=1)
    """Namespace of the site's WebJobs."""
    site: str = "webjobs"
    """Name of the site."""
    store_url: str
    credentials_directory: Path
    """Mounted Secret with the files ``username`` and ``password``."""
    host: str = "0.0.0.0"  # noqa: S104  a pod is reached through its own address only
    port: int = Field(default=8080, ge=1, le=65535)
    forwarded_allow_ips: list[str] = Field(default_factory=lambda: ["127.0.0.1"])
    """Addresses or networks of proxies whose ``X-Forwarded-Proto`` and ``-For`` are believed; ``*`` for all."""
    limits: LimitsConfig = Field(default_factory=LimitsConfig)


def load(path: str | Path) -> ApiserverConfig:
    """The settings in a file; pydantic's ValidationError names a wrong field."""
    return ApiserverConfig.model_validate(yaml.safe_load(Path(path).read_text()))
