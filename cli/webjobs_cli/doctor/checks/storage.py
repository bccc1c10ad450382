"""Is the store there: the volume, or what a bucket needs to be reached? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webjobs.objects import Object
from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding
from webjobs_cli.doctor.installation import Installation, Keys, Look, Part

SUBJECT = "store"
"""Subject of the findings."""
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_AZURE_ACCOUNT = "AZURE_STORAGE_ACCOUNT_NAME"
_PAIRS: Mapping[str, tuple[str, ...]] = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "az": (_AZURE_ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY"),
    "gs": ("GOOGLE_SERVICE_ACCOUNT_KEY",),
}
"""Variables by which each kind of bucket is reached without workload identity."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with the store of each installation, or what it is."""
    for one in facts.installations:
        part = one.operator or one.shim
        url = str(part.config.get("storeUrl") or "") if part else ""
        if part is None or not url:
            continue
        scheme = url.partition(":")[0]
        found = (
            [*_volume(facts, one)]
            if scheme == "file"
            else [*_bucket(one, scheme.rstrip("a") if scheme == "s3a" else scheme)]
        )
        yield from found
        if not found:
            yield from _well(one, scheme)


def _well(one: Installation, scheme: str) -> Iterator[Finding]:
    if scheme != "file":
        yield Finding(level="ok", subject=SUBJECT, what=f"{one.label}: a bucket ({scheme}), with its variables")
    for name, look in one.claims.items():
        if look.value is not None:
            size = ((look.value.get("status") or {}).get("capacity") or {}).get("storage", "")
            yield Finding(
                level="ok", subject=SUBJECT, what=f"{one.label}: claim {name} is bound{f', {size}' if size else ''}"
            )


def _volume(facts: Facts, one: Installation) -> Iterator[Finding]:
    claims = {
        part.role: str((part.volume("store").get("persistentVolumeClaim") or {}).get("claimName", ""))
        for part in one.parts
    }
    for role, name in claims.items():
        if not name:
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"the store of {one.label} is a folder, and the {role} has no claim for it: it goes with the pod",
                do="'helm upgrade' mounts the claim again (store.persistence).",
            )
    if len({*claims.values()} - {""}) > 1:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"{one.label}: operator and shim have different claims, so that neither finds what the other wrote",
            do="'helm upgrade' mounts the same one into both (store.persistence.existingClaim).",
        )
    for name, look in one.claims.items():
        if look.missing:
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"there is no PersistentVolumeClaim {one.namespace}/{name}: operator and shim can't start",
                do="'helm upgrade' makes it, but for one that store.persistence.existingClaim names: make that one.",
            )
        elif look.value is not None:
            yield from _claim(look.value, f"{one.namespace}/{name}", facts)


def _claim(claim: Object, where: str, facts: Facts) -> Iterator[Finding]:
    phase = str((claim.get("status") or {}).get("phase", "Pending"))
    if claim["metadata"].get("deletionTimestamp"):
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"the claim {where} is being deleted; it goes, with all packages and logs, when its last pod ends",
            do="Copy the store elsewhere while the pods run (docs/backup.md), and restart nothing before that.",
        )
    elif phase == "Lost":
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"the volume of the claim {where} is gone",
            do="Bring the PersistentVolume back, or restore a backup into a new claim (docs/backup.md).",
        )
    elif phase != "Bound":
        yield Finding(
            level="bad", subject=SUBJECT, what=f"the claim {where} is {phase}, not Bound", do=_unbound(claim, facts)
        )


def _unbound(claim: Object, facts: Facts) -> str:
    """Return what to do about a claim without a volume."""
    wanted = claim["spec"].get("storageClassName")
    known = facts.storage_classes
    if known is not None and wanted is None:
        defaults = [one for one in known if (one["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"]
        if not defaults:
            return "The cluster has no default StorageClass: name one by store.persistence.storageClassName."
    names = {one["metadata"]["name"] for one in known or ()}
    if known is not None and wanted and wanted not in names and not claim["spec"].get("volumeName"):
        return f"There is no StorageClass {wanted!r}: name one that is there by store.persistence.storageClassName."
    return (
        f"kubectl describe pvc {claim['metadata']['name']} -n {claim['metadata']['namespace']} says what it waits for."
    )


def _bucket(one: Installation, scheme: str) -> Iterator[Finding]:
    missing = dict.fromkeys(source for part in one.parts for source in _sources(part) if _look(one, *source).missing)
    for kind, name in missing:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"there is no {kind} {one.namespace}/{name}, which store.envFrom names: no pod can start",
            do="Make it, with the keys of docs/store.md.",
        )
    wanted = _PAIRS.get(scheme, ())
    for part in one.parts:
        looks = [_look(one, *source) for source in _sources(part)]
        if missing or not all(look.seen for look in looks) or not wanted:
            continue
        keys = {key for look in looks if look.value for key in look.value.names - look.value.empty}
        keys |= {str(env.get("name")) for env in part.container.get("env") or []}
        yield from _variables(part, one, lacking=[key for key in wanted if key not in keys], wanted=wanted)


def _variables(part: Part, one: Installation, *, lacking: list[str], wanted: tuple[str, ...]) -> Iterator[Finding]:
    account = one.accounts.get(part.account)
    annotations = ((account.value or {}).get("metadata", {}).get("annotations") or {}) if account else {}
    by_identity = bool(annotations) and set(lacking) <= {*wanted} - {_AZURE_ACCOUNT}
    if not lacking or (by_identity and (len(lacking) == len(wanted) or _AZURE_ACCOUNT in wanted)):
        return
    some = len(lacking) < len(wanted)
    yield Finding(
        level="bad" if some else "warn",
        subject=SUBJECT,
        what=f"the {part.role} of {one.label} has no {' and no '.join(lacking)} for its bucket",
        do=(
            "Add the key to the Secret of store.envFrom."
            if some
            else "Unless its node has the right: name a Secret by store.envFrom, or a workload identity by "
            "store.serviceAccountAnnotations (docs/store.md)."
        ),
    )


def _sources(part: Part) -> list[tuple[str, str]]:
    """Return kind and name of what a process has environment variables from, which must be there."""
    found = []
    for one in part.container.get("envFrom") or []:
        for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            ref: Mapping[str, Any] = one.get(key) or {}
            if ref.get("name") and not ref.get("optional"):
                found.append((kind, str(ref["name"])))
    return found


def _look(one: Installation, kind: str, name: str) -> Look[Keys]:
    found = one.secrets if kind == "Secret" else one.config_maps
    return found.get((one.namespace, name)) or Look(seen=False)
