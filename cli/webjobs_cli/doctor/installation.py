"""A release of the chart, as it was read; of Secrets there are the names of their keys and no values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from webjobs.objects import Object

T = TypeVar("T")
Role = Literal["operator", "shim"]
"""Process of an installation: the operator, or the REST shim."""


@dataclass(frozen=True, kw_only=True)
class Look(Generic[T]):
    """A look at one thing, which may not be there, or not to be seen."""

    seen: bool
    """False: nobody knows."""
    value: T | None = None
    """What was seen; None: nothing was."""

    @property
    def missing(self) -> bool:
        """True when it is known that the thing is not there."""
        return self.seen and self.value is None


NOT_SEEN: Look[Any] = Look(seen=False)
"""A look that saw nothing, not even that there is nothing."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Keys of a Secret or ConfigMap, without their values."""

    names: frozenset[str]
    """Names of all keys."""
    empty: frozenset[str] = frozenset()
    """Names of the keys whose values are empty."""
    short: frozenset[str] = frozenset()
    """Names of the keys whose values are shorter than a password should be, and not empty."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of a health endpoint."""

    status: int
    """HTTP status."""
    text: str
    """Beginning of the body."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One process of an installation: a Deployment and what belongs to it."""

    role: Role
    """Process that it is."""
    deployment: Object
    """The Deployment."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Its settings, as the chart wrote them; empty when they could not be read."""
    pods: tuple[Object, ...] = ()
    """Its pods, as far as they may be listed."""
    answer: Answer | None = None
    """What the first of its running pods says of its health; None when nobody asked or nothing came back."""

    @property
    def name(self) -> str:
        """Name of the Deployment."""
        return str(self.deployment["metadata"]["name"])

    @property
    def pod_spec(self) -> Mapping[str, Any]:
        """The ``spec`` of its pods."""
        found: Mapping[str, Any] = self.deployment["spec"]["template"].get("spec") or {}
        return found

    @property
    def container(self) -> Mapping[str, Any]:
        """Its own container, which is the first one."""
        found: Mapping[str, Any] = (self.pod_spec.get("containers") or [{}])[0]
        return found

    @property
    def image(self) -> str:
        """Name of its image."""
        return str(self.container.get("image", ""))

    @property
    def account(self) -> str:
        """Name of its service account."""
        return str(self.pod_spec.get("serviceAccountName") or "default")

    @property
    def replicas(self) -> int:
        """Number of pods that it should have."""
        count = self.deployment["spec"].get("replicas")
        return 1 if count is None else int(count)

    def volume(self, name: str) -> Mapping[str, Any]:
        """Return the volume of a name; empty when there is none."""
        return next((one for one in self.pod_spec.get("volumes") or [] if one.get("name") == name), {})


@dataclass(frozen=True, kw_only=True)
class Denied:
    """A right that a service account needs and has not."""

    role: Role
    """Process whose account it is."""
    namespace: str
    """Namespace; empty: all of them, or what is in none."""
    verb: str
    """Verb, as ``list``."""
    group: str
    """API group; empty: the core group."""
    resource: str
    """Plural, with the subresource after a slash."""
    name: str
    """Name of the one object; empty: all."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A release of the chart."""

    namespace: str
    """Namespace of the release."""
    name: str
    """Name of the release."""
    operator: Part | None = None
    """Operator; None when there is none."""
    shim: Part | None = None
    """REST shim; None when there is none."""
    claims: Mapping[str, Look[Object]] = field(default_factory=dict)
    """PersistentVolumeClaims of the store by name."""
    secrets: Mapping[tuple[str, str], Look[Keys]] = field(default_factory=dict)
    """Secrets that it needs, by namespace and name."""
    config_maps: Mapping[tuple[str, str], Look[Keys]] = field(default_factory=dict)
    """ConfigMaps that it needs, by namespace and name."""
    accounts: Mapping[str, Look[Object]] = field(default_factory=dict)
    """Service accounts by name."""
    service: Look[Object] = NOT_SEEN
    """Service of the shim."""
    addresses: int | None = None
    """Ready addresses behind that Service; None when nobody knows."""
    denied: tuple[Denied, ...] | None = None
    """Rights that its service accounts lack; None when nobody could be asked."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its processes, as far as they are there."""
        return tuple(part for part in (self.operator, self.shim) if part is not None)

    @property
    def label(self) -> str:
        """Its name for a person: namespace and release."""
        return f"{self.namespace}/{self.name}"

    @property
    def sites(self) -> tuple[str, ...]:
        """Namespaces of the sites of its shim, the default one first; empty when nobody knows."""
        config = self.shim.config if self.shim else {}
        further = [one.get("namespace") for one in config.get("sites") or [] if isinstance(one, dict)]
        return tuple(dict.fromkeys(str(one) for one in [config.get("namespace"), *further] if one))

    @property
    def watched(self) -> tuple[str, ...] | None:
        """Namespaces that its operator watches, empty for all; None when nobody knows."""
        if self.operator is None or not self.operator.config:
            return None
        return tuple(str(one) for one in self.operator.config.get("namespaces") or [])

    def watches(self, namespace: str) -> bool | None:
        """Return whether its operator watches a namespace; None when nobody knows."""
        return None if self.watched is None else not self.watched or namespace in self.watched


def tag_of(image: str) -> str:
    """Return the tag of an image's name, without its digest; empty when it has none."""
    name = image.partition("@")[0]
    return name.rpartition(":")[2] if ":" in name.rpartition("/")[2] else ""


def version_of(part: Part) -> str:
    """Return the version that a process is of: the tag of its image if that is one, else its chart's; else empty."""
    tag = tag_of(part.image).removeprefix("v")
    if tag[:1].isdigit() and tag.count(".") >= 2:
        return tag
    labels = part.deployment["metadata"].get("labels") or {}
    said = labels.get("app.kubernetes.io/version") or str(labels.get("helm.sh/chart", "")).removeprefix("webjobs-")
    return str(said).removeprefix("v")
