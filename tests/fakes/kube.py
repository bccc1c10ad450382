"""An API server in memory with the interface of KubeClient.

It has what reconcilers and conditional writes depend on: resource versions and conflicts, merge patches, the
status subresource, label selectors, uids and generations, deletion of dependents; and it can fail on command.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from pydantic import ValidationError

from webjobs.logs.line_cutter import LineCutter
from webjobs.model import WebJob, WebJobRun, WebJobSchedule
from webjobs.times import rfc3339
from webjobs_kube.client import Event, KubeClient
from webjobs_kube.errors import AlreadyExists, ApiError, Conflict, Gone, Invalid, NotFound

Object = dict[str, Any]
_Objects = list[Object]
Key = tuple[str, str, str]
"""Kind, namespace, name."""

WRITES = frozenset({"create", "apply", "patch", "replace", "delete"})
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
_MODELS: dict[str, type[WebJob] | type[WebJobRun] | type[WebJobSchedule]] = {
    "WebJob": WebJob,
    "WebJobRun": WebJobRun,
    "WebJobSchedule": WebJobSchedule,
}
_NAME_LENGTHS = {"WebJob": 43, "WebJobRun": 63, "Job": 63, "CronJob": 52}
_PLAIN = frozenset({"ConfigMap", "Event", "Secret"})
"""Kinds without a status subresource."""


class Died(BaseException):
    """The process under test ended here; no handler of it may catch that."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call as it came."""

    verb: str
    kind: str
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None
    body: Object | None = None
    dry_run: bool = False


Hook = Callable[[Call], Awaitable[None]]


@dataclass
class _Failure:
    error: BaseException
    verb: str
    kind: str
    subresource: str | None
    times: int
    after: bool


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, Mapping):
        return deepcopy(patch)
    out = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge_patch(out.get(key), value)
    return out


def selects(selector: str | None, labels: Mapping[str, str]) -> bool:
    """Label selectors with ``=``, ``==``, ``!=``, ``key`` and ``!key``."""
    for term in filter(None, (selector or "").split(",")):
        if "!=" in term:
            key, _, value = term.partition("!=")
            fits = labels.get(key) != value
        elif "=" in term:
            key, _, value = term.replace("==", "=").partition("=")
            fits = labels.get(key) == value
        else:
            fits = (term.lstrip("!") in labels) != term.startswith("!")
        if not fits:
            return False
    return True


def has_fields(selector: str | None, body: Mapping[str, Any]) -> bool:
    """Field selectors with ``=`` only."""
    for term in filter(None, (selector or "").split(",")):
        path, _, value = term.partition("=")
        found: Any = body
        for key in path.split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        if found != value:
            return False
    return True


@dataclass
class FakeKube(KubeClient):
    """See the module. ``clock`` gives creation times; ``calls`` holds every call in order."""

    clock: Callable[[], datetime] = lambda: datetime(2026, 1, 1, tzinfo=UTC)
    manager: str = "fake"
    objects: dict[Key, Object] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    logs: dict[tuple[str, str, bool], list[str]] = field(default_factory=dict)
    """Stamped lines by namespace, pod and whether they are of the previous container."""
    errors_apart: bool = False
    """Whether a stream can be asked for; then ``logs`` are of stdout."""
    error_logs: dict[tuple[str, str, bool], list[str]] = field(default_factory=dict)
    """The same of stderr."""
    tokens: dict[str, str] = field(default_factory=dict)
    """User name by token."""
    audience: str = "webjobs.dev/packages"
    users: dict[str, str] = field(default_factory=dict)
    """User name by token for the API server itself."""
    rights: set[tuple[str, str, str, str]] = field(default_factory=set)
    """User, namespace, verb and resource."""
    before_call: Hook | None = None
    """Awaited before each call is served: the place for others to come in between."""
    die_after_writes: int | None = None
    """So many writes are served, then every call raises Died."""
    compacted: int = 0
    """Watches can't start from an older resourceVersion."""
    mute: bool = False
    """Watches are told nothing, as if the news were late."""
    _failures: list[_Failure] = field(default_factory=list)
    _told: list[tuple[str, str, Object]] = field(default_factory=list)
    """Type, kind and object of every change that watches can see."""
    _watches: list[asyncio.Queue[Event | BaseException | None]] = field(default_factory=list)
    _version: int = 0
    _applied: dict[tuple[Key, str], Object] = field(default_factory=dict)

    async def __aexit__(self, *error: object) -> None:
        return

    # What tests look at and arrange

    @property
    def writes(self) -> list[Call]:
        """The calls that changed something or tried to."""
        return [call for call in self.calls if call.verb in WRITES]

    def fail(
        self,
        error: BaseException,
        *,
        verb: str = "",
        kind: str = "",
        subresource: str | None = None,
        times: int = 1,
        after: bool = False,
    ) -> None:
        """The next ``times`` fitting calls raise; ``after``: once they are done, as when only the answer is lost."""
        self._failures.append(
            _Failure(error=error, verb=verb, kind=kind, subresource=subresource, times=times, after=after)
        )

    def add(self, manifest: Object) -> Object:
        """Puts an object there as it is, with its status, and completes its metadata. No call is recorded."""
        return deepcopy(self._insert(deepcopy(manifest)))

    def of_kind(self, kind: str) -> list[Object]:
        """All objects of a kind, by name."""
        return [deepcopy(one) for key, one in sorted(self.objects.items()) if key[0] == kind]

    def stand(self, watches: int) -> bool:
        """Whether so many watches are there and have read everything that they were told."""
        return len(self._watches) >= watches and all(watch.empty() for watch in self._watches)

    def end_watches(self, error: BaseException | None = None) -> None:
        """All watches end now, in peace or with an error."""
        for watch in self._watches:
            watch.put_nowait(error)

    def bookmark(self) -> None:
        """Tells all watches how far they are."""
        for watch in self._watches:
            watch.put_nowait(("BOOKMARK", {"metadata": {"resourceVersion": str(self._version)}}))

    # The interface of KubeClient

    async def served(self, api_version: str) -> set[str]:
        return {"webjobs", "webjobruns"} if api_version == "webjobs.dev/v1" else set()

    async def get(self, kind: str, namespace: str | None, name: str) -> Object:
        done = await self._begin(Call(verb="get", kind=kind, namespace=namespace, name=name))
        found = deepcopy(self._there(kind, namespace or "", name))
        done()
        return found

    async def list(
        self, kind: str, namespace: str | None, *, selector: str | None = None, fields: str | None = None
    ) -> list[Object]:
        done = await self._begin(Call(verb="list", kind=kind, namespace=namespace))
        found = [
            # As from the real one: items of a list come without their kind.
            {key: deepcopy(value) for key, value in one.items() if key not in ("kind", "apiVersion")}
            for (its_kind, its_namespace, _), one in sorted(self.objects.items())
            if its_kind == kind
            and namespace in (None, its_namespace)
            and selects(selector, one["metadata"].get("labels") or {})
            and has_fields(fields, one)
        ]
        done()
        return found

    async def pages(self, kind: str, namespace: str | None, *, size: int) -> AsyncIterator[_Objects]:
        found = await self.list(kind, namespace)
        for at in range(0, len(found), size):
            yield found[at : at + size]

    async def list_at(
        self, kind: str, namespace: str | None, *, selector: str | None = None, fields: str | None = None
    ) -> tuple[_Objects, str]:
        version = str(self._version)
        return await self.list(kind, namespace, selector=selector, fields=fields), version

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, *, since: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[Event]]:
        done = await self._begin(Call(verb="watch", kind=kind, namespace=namespace, name=since))
        if int(since) < self.compacted:
            raise Gone(410, "Expired", "too old resource version")
        queue: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()
        for event, its_kind, body in self._told:
            if int(body["metadata"]["resourceVersion"]) > int(since):
                queue.put_nowait((event, {"kind": its_kind} | body))
        self._watches.append(queue)

        async def events() -> AsyncIterator[Event]:
            while (told := await queue.get()) is not None:
                if isinstance(told, BaseException):
                    raise told
                fits = namespace in (None, told[1]["metadata"].get("namespace")) and told[1].get("kind") == kind
                if told[0] == "BOOKMARK" or fits:
                    yield told[0], deepcopy(told[1])

        try:
            yield events()
        finally:
            self._watches.remove(queue)
        done()

    async def create(self, manifest: Object, *, dry_run: bool = False) -> Object:
        manifest = self._named(manifest)
        kind, meta = manifest["kind"], manifest["metadata"]
        namespace, name = meta["namespace"], meta["name"]
        done = await self._begin(
            Call(verb="create", kind=kind, namespace=namespace, name=name, body=deepcopy(manifest), dry_run=dry_run)
        )
        if (kind, namespace, name) in self.objects:
            raise AlreadyExists(409, "AlreadyExists", f'{kind} "{name}" already exists')
        new = deepcopy(manifest)
        if kind not in _PLAIN:
            new.pop("status", None)
        if dry_run:
            done()
            return new
        created = deepcopy(self._insert(new))
        done()
        return created

    async def apply(self, manifest: Object) -> Object:
        kind, meta = manifest["kind"], manifest["metadata"]
        key = (kind, meta["namespace"], meta["name"])
        done = await self._begin(Call(verb="apply", kind=kind, namespace=key[1], name=key[2], body=deepcopy(manifest)))
        last = self._applied.get((key, self.manager), {})
        self._applied[(key, self.manager)] = deepcopy(manifest)
        if key in self.objects:
            wanted = merge_patch(_without(self.objects[key], last, manifest), manifest)
            result = self._store(key, wanted)
        else:
            result = self._insert(deepcopy(manifest))
        done()
        return deepcopy(result)

    async def patch(
        self, kind: str, namespace: str, name: str, patch: Object, *, subresource: str | None = None
    ) -> Object:
        done = await self._begin(
            Call(
                verb="patch",
                kind=kind,
                namespace=namespace,
                name=name,
                subresource=subresource,
                body=deepcopy(patch),
            )
        )
        current = self._there(kind, namespace, name)
        self._check_version(current, patch.get("metadata", {}).get("resourceVersion"))
        merged = merge_patch(current, patch)
        result = self._store((kind, namespace, name), merged, subresource=subresource)
        done()
        return deepcopy(result)

    async def replace(self, manifest: Object, *, dry_run: bool = False) -> Object:
        kind, meta = manifest["kind"], manifest["metadata"]
        key = (kind, meta["namespace"], meta["name"])
        done = await self._begin(
            Call(verb="replace", kind=kind, namespace=key[1], name=key[2], body=deepcopy(manifest), dry_run=dry_run)
        )
        self._check_version(self._there(*key), meta.get("resourceVersion"))
        if dry_run:
            done()
            return deepcopy(manifest)
        result = self._store(key, deepcopy(manifest))
        done()
        return deepcopy(result)

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str | None = None) -> None:
        done = await self._begin(Call(verb="delete", kind=kind, namespace=namespace, name=name))
        there = self._there(kind, namespace, name)
        if uid and there["metadata"]["uid"] != uid:
            raise Conflict(409, "Conflict", "the uid in the precondition is not the object's")
        self._remove((kind, namespace, name))
        done()

    async def log_lines(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        previous: bool = False,
        follow: bool = False,
        tail: int | None = None,
        since_seconds: int | None = None,
        since_time: str | None = None,
        limit_bytes: int | None = None,
        stream: Literal["Stdout", "Stderr"] | None = None,
        cutter: LineCutter | None = None,
    ) -> AsyncIterator[str]:
        done = await self._begin(Call(verb="log", kind="Pod", namespace=namespace, name=pod))
        self._there("Pod", namespace, pod)
        lines = self.logs.get((namespace, pod, previous))
        if stream and not self.errors_apart:
            raise Invalid(422, "Invalid", f'PodLogOptions "{pod}" is invalid: stream: Forbidden: may not be specified')
        if stream == "Stderr" and lines is not None:
            lines = self.error_logs.get((namespace, pod, previous), [])
        if lines is None:
            raise Invalid(400, "BadRequest", f'container "{container}" in pod "{pod}" is waiting to start')
        known = [line for line in lines if since_time is None or line[:19] >= since_time[:19]]
        if limit_bytes is not None:
            known = "\n".join(known)[:limit_bytes].splitlines()
        for line in known[-tail:] if tail else [] if since_seconds else known:
            yield line
        while follow:  # what is added to the list while somebody looks
            shown = len(lines)
            while len(lines) == shown:
                if self.logs.get((namespace, pod, previous)) is not lines:
                    return
                await asyncio.sleep(0.1)
            for line in lines[shown:]:
                yield line
        done()

    async def review_token(self, token: str, *, audience: str) -> str | None:
        done = await self._begin(Call(verb="create", kind="TokenReview"))
        done()
        return self.tokens.get(token) if audience == self.audience else None

    async def authenticate(self, token: str) -> Object | None:
        done = await self._begin(Call(verb="create", kind="TokenReview"))
        done()
        return {"username": self.users[token]} if token in self.users else None

    async def is_allowed(
        self, user: Object, *, namespace: str, verb: str, resource: str, group: str = "webjobs.dev", name: str = ""
    ) -> bool:
        done = await self._begin(Call(verb="create", kind="SubjectAccessReview", namespace=namespace))
        done()
        return (user["username"], namespace, verb, resource) in self.rights

    # The rest

    async def _begin(self, call: Call) -> Callable[[], None]:
        """Raises what was arranged for the call; what it gives is called when it is done."""
        if self.before_call:
            await self.before_call(call)
        await asyncio.sleep(0)  # others get their turn, as over a network
        if self.die_after_writes is not None and len(self.writes) >= self.die_after_writes:
            raise Died
        self.calls.append(call)
        for failure in self._failures:
            fits = (
                failure.verb in ("", call.verb)
                and failure.kind in ("", call.kind)
                and failure.subresource in (None, call.subresource)
            )
            if fits and failure.times > 0:
                failure.times -= 1
                if not failure.after:
                    raise failure.error
                return lambda: _throw(failure.error)
        return lambda: None

    def _there(self, kind: str, namespace: str, name: str) -> Object:
        try:
            return self.objects[(kind, namespace, name)]
        except KeyError:
            raise NotFound(404, "NotFound", f'{kind} "{name}" not found') from None

    @staticmethod
    def _check_version(current: Object, version: str | None) -> None:
        if version is not None and version != current["metadata"]["resourceVersion"]:
            raise Conflict(409, "Conflict", "the object has been modified")

    def _next_version(self) -> str:
        self._version += 1
        return str(self._version)

    def _named(self, manifest: Object) -> Object:
        """With a name, where only its beginning was given."""
        begin = manifest["metadata"].get("generateName")
        if "name" in manifest["metadata"] or begin is None:
            return manifest
        end = sha256(str(self._version).encode()).hexdigest()[:5]
        return manifest | {"metadata": manifest["metadata"] | {"name": f"{begin}{end}"}}

    def _insert(self, new: Object) -> Object:
        meta = new["metadata"]
        key = (new["kind"], meta.get("namespace", ""), meta["name"])
        if not _NAME.fullmatch(meta["name"]) or len(meta["name"]) > _NAME_LENGTHS.get(new["kind"], 253):
            raise Invalid(422, "Invalid", f"metadata.name: Invalid value: {meta['name']!r}")
        version = self._next_version()
        meta.setdefault("uid", str(UUID(bytes=sha256(version.encode()).digest()[:16], version=4)))
        meta.setdefault("creationTimestamp", rfc3339(self.clock(), micro=False))
        meta.setdefault("generation", 1)
        meta["resourceVersion"] = version
        _validate(new)
        self.objects[key] = new
        self._tell("ADDED", new)
        return new

    def _tell(self, event: str, body: Object) -> None:
        self._told.append((event, body["kind"], deepcopy(body)))
        for watch in () if self.mute else self._watches:
            watch.put_nowait((event, deepcopy(body)))

    def _store(self, key: Key, wanted: Object, *, subresource: str | None = None) -> Object:
        """Keeps what the write may change; a write that changes nothing makes no new version."""
        current = self.objects[key]
        new = deepcopy(wanted)
        if subresource == "status":
            new = deepcopy(current) | {"status": new.get("status", {})}
        elif key[0] not in _PLAIN:
            new.pop("status", None)
            if "status" in current:
                new["status"] = deepcopy(current["status"])
        for fixed in ("uid", "creationTimestamp", "resourceVersion", "generation"):
            if fixed in current["metadata"]:
                new["metadata"][fixed] = current["metadata"][fixed]
        if new == current:
            return current
        if new.get("spec") != current.get("spec"):
            new["metadata"]["generation"] += 1
        new["metadata"]["resourceVersion"] = self._next_version()
        _validate(new)
        self.objects[key] = new
        self._tell("MODIFIED", new)
        return new

    def _remove(self, key: Key) -> None:
        meta = self.objects[key]["metadata"]
        if meta.get("finalizers"):  # somebody has to let it go first
            if "deletionTimestamp" not in meta:
                meta |= {
                    "deletionTimestamp": rfc3339(self.clock(), micro=False),
                    "resourceVersion": self._next_version(),
                }
                self._tell("MODIFIED", self.objects[key])
            return
        gone = self.objects.pop(key)
        uid = gone["metadata"]["uid"]
        gone["metadata"]["resourceVersion"] = self._next_version()
        self._tell("DELETED", gone)
        for other, one in list(self.objects.items()):
            owners = one["metadata"].get("ownerReferences") or []
            if other in self.objects and any(owner["uid"] == uid for owner in owners):
                self._remove(other)


def _throw(error: BaseException) -> None:
    raise error


def _validate(new: Object) -> None:
    model = _MODELS.get(new["kind"])
    if model is None:
        return
    try:
        model.parse(new)
    except ValidationError as error:
        raise Invalid(422, "Invalid", f'{new["kind"]} "{new["metadata"]["name"]}" is invalid: {error}') from None
    spec = new["spec"]
    if "command" in spec and ("package" in spec or "script" in spec):  # one of the CRD's own rules
        raise Invalid(422, "Invalid", "spec: Invalid value: command has no meaning with a script or package")


def _without(current: Any, last: Any, wanted: Any) -> Any:
    """``current`` without the fields that were applied last time and are not any more."""
    if not isinstance(current, Mapping) or not isinstance(last, Mapping):
        return current
    out = dict(current)
    for key, before in last.items():
        if not isinstance(wanted, Mapping) or key not in wanted:
            out.pop(key, None)
        elif key in out:
            out[key] = _without(out[key], before, wanted[key])
    return out


def not_authorized() -> ApiError:
    """403 of the API server."""
    return ApiError(403, "Forbidden", 'webjobs.webjobs.dev is forbidden: User "system:serviceaccount:a:b" cannot')
