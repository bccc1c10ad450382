"""What was read of a cluster and of its installations. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from webjobs.objects import Object
from webjobs_cli.doctor.installation import NOT_SEEN, Installation, Look, Part, version_of


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Something that could not be read."""

    what: str
    """Phrase that says what was tried: ``list deployments in all namespaces``."""
    why: str
    """Text that the API server, or the way to it, gave for it."""
    forbidden: bool
    """True when a right is missing."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """The API server."""

    version: str
    """Version of Kubernetes as it says it: ``v1.36.3``."""
    ahead: float | None
    """Seconds that its clock is ahead of this machine's, negative when behind; None when it did not say the time."""
    error: float
    """Seconds by which that can be wrong, to either side."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A namespace with WebJobs, or one that should have some."""

    name: str
    """Name of the namespace."""
    namespace: Look[Object] = NOT_SEEN
    """The Namespace."""
    quotas: tuple[Object, ...] = ()
    """Its ResourceQuotas, as far as they may be listed."""
    ranges: tuple[Object, ...] = ()
    """Its LimitRanges, as far as they may be listed."""


@dataclass(frozen=True, kw_only=True)
class NodeClock:
    """The clock of a node, compared with the API server's by a Lease that its kubelet wrote."""

    node: str
    """Name of the node."""
    ahead: float
    """Seconds that the node's clock is ahead at most, negative when it is behind; one second less is possible."""


@dataclass(frozen=True, kw_only=True)
class ByRest:
    """What came of asking the REST shim at its address."""

    url: str
    """Address without credentials."""
    error: str = ""
    """Sentence that says why it did not work; empty when it did."""
    status: int = 0
    """HTTP status of an error; 0: there was no answer."""
    unasked: bool = False
    """True when it was not asked, since something is missing for that."""
    jobs: int = 0
    """Number of WebJobs that it lists."""
    ahead: float | None = None
    """Seconds that its clock is ahead of this machine's, negative when it is behind; None when it did not say."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that was read."""

    now: datetime
    """Time by the API server's clock, by this machine's where it said none."""
    cli_version: str
    """Version of this program; empty when it is not known."""
    server: Server | None = None
    """API server; None when it did not say its version."""
    served: frozenset[str] | None = None
    """Plurals of the WebJob kinds that the API server serves; None when nobody knows."""
    crds: Mapping[str, Look[Object]] = field(default_factory=dict)
    """CustomResourceDefinitions by name, those that should be there."""
    looked_everywhere: bool = False
    """True when Deployments of all namespaces were listed: there is no installation but the ones below."""
    looked_in: str = ""
    """Namespace whose Deployments were listed, where it is one only; empty: none, or all."""
    installations: tuple[Installation, ...] = ()
    """Installations."""
    places: tuple[Place, ...] = ()
    """Namespaces with WebJobs, or that should have some."""
    storage_classes: tuple[Object, ...] | None = None
    """StorageClasses; None when nobody knows."""
    clocks: tuple[NodeClock, ...] = ()
    """Clocks of nodes."""
    jobs: tuple[Object, ...] = ()
    """WebJobs."""
    runs: tuple[Object, ...] = ()
    """WebJobRuns."""
    schedules: tuple[Object, ...] = ()
    """WebJobSchedules."""
    webhooks: tuple[Object, ...] = ()
    """Configurations of admission webhooks, of both kinds."""
    receivers: Mapping[tuple[str, str], int | None] = field(default_factory=dict)
    """Ready addresses behind the Services of those webhooks, by namespace and name; None when nobody knows."""
    rest: ByRest | None = None
    """What came of asking the REST shim; None when it was not said where it is."""
    unread: tuple[Unread, ...] = ()
    """What could not be read."""

    def parts(self) -> Iterator[tuple[Installation, Part]]:
        """Yield the processes of all installations, each with its installation."""
        for one in self.installations:
            for part in one.parts:
                yield one, part

    @property
    def is_same_version(self) -> bool:
        """True when all processes are of this program's version, as far as versions are known."""
        versions = {version_of(part) for _, part in self.parts()} - {""}
        return not self.cli_version or versions <= {self.cli_version}
