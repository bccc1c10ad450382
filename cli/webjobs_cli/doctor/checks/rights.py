"""May the service accounts of operator and shim do what they have to? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding, few
from webjobs_cli.doctor.installation import Denied, Installation

SUBJECT = "rights"
"""Subject of the findings."""
_NOT_BOUND = 10
"""So many missing rights in one place are no change of a role: it is not bound, or gone."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield which rights are missing where, or that all are there."""
    for one in facts.installations:
        if one.denied is None:
            continue
        yield from _accounts(one)
        groups: dict[tuple[str, str], list[Denied]] = {}
        for right in one.denied:
            groups.setdefault((right.role, right.namespace), []).append(right)
        for rights in groups.values():
            yield _missing(one, rights, strict=facts.is_same_version)
        if not groups:
            yield Finding(level="ok", subject=SUBJECT, what=f"{one.label}: operator and shim have what they need")


def _accounts(one: Installation) -> Iterator[Finding]:
    for name, look in one.accounts.items():
        if look.missing:
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"there is no service account {one.namespace}/{name}: no pod of it can be made",
                do="'helm upgrade' puts it back.",
            )


def _missing(one: Installation, rights: Sequence[Denied], *, strict: bool) -> Finding:
    role, namespace = rights[0].role, rights[0].namespace
    part = one.operator if role == "operator" else one.shim
    account = f"{one.namespace}/{part.account if part else ''}"
    where = f"in {namespace}" if namespace else "in all namespaces" if role == "operator" else "in the cluster"
    name = part.name if part else ""
    binding = f"RoleBinding {name} in {namespace}" if namespace else f"ClusterRoleBinding {one.namespace}-{name}"
    unbound = len(rights) >= _NOT_BOUND
    return Finding(
        level="bad" if strict else "warn",
        subject=SUBJECT,
        what=f"the {role} ({account}) may not {few(_phrases(rights))} {where}",
        do=(
            f"Its role is not bound any more, or gone: 'helm upgrade' puts back the {binding}, and what it names."
            if unbound
            else f"Its role was changed, or is of another version: 'helm upgrade' puts it back ({binding} names it)."
        ),
    )


def _phrases(rights: Sequence[Denied]) -> list[str]:
    """Return a phrase for each resource: ``get, list and watch jobs``, those with most verbs first."""
    verbs: dict[str, list[str]] = {}
    for right in rights:
        what = f"{right.resource}{f' {right.name}' if right.name else ''}"
        verbs.setdefault(what, []).append(right.verb)
    return ["/".join(each) + f" {what}" for what, each in verbs.items()]
