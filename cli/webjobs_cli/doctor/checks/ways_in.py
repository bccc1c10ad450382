"""Is the shim reached: by pods through its Service, and by this program at its address? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding
from webjobs_cli.doctor.installation import Installation
from webjobs_cli.text import count

SUBJECT = "ways in"
"""Subject of the findings."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what keeps pods or people from the shim, or that nothing does."""
    for one in facts.installations:
        yield from _service(one)
    rest = facts.rest
    if rest is not None and rest.unasked:
        yield Finding(level="unknown", subject=SUBJECT, what=rest.error)
    elif rest is not None and rest.error:
        yield Finding(level="bad", subject=SUBJECT, what=rest.error, do=_cure(rest.status))
    elif rest is not None:
        yield Finding(level="ok", subject=SUBJECT, what=f"{rest.url} answers, and lists {count(rest.jobs, 'WebJob')}")


def _cure(status: int) -> str:
    match status:
        case 401:
            return "The Secret of the site's credentials has the right ones; see also what is said of credentials here."
        case 404:
            return "Is it the host name of a site? An Ingress must pass all paths of docs/ways-in.md."
        case 0:
            return "Look at the shim, its Service and Ingress; 'kubectl port-forward' of its Service needs no Ingress."
    return "kubectl logs of the shim says more."


def _service(one: Installation) -> Iterator[Finding]:
    if one.shim is None:
        return
    name = f"{one.namespace}/{one.shim.name}"
    if one.service.missing:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"there is no Service {name}: neither clients nor pods that fetch a package reach the shim",
            do="'helm upgrade' makes it.",
        )
    elif one.service.value is not None and one.addresses == 0 and one.shim.replicas:
        ready = int((one.shim.deployment.get("status") or {}).get("availableReplicas") or 0)
        if ready:  # else it is said of the Deployment already
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"the Service {name} leads nowhere, though the shim is up: its selector fits no pod of it",
                do="'helm upgrade' puts the selector back.",
            )
    elif one.service.value is not None and one.addresses:
        yield Finding(
            level="ok", subject=SUBJECT, what=f"the Service {name} leads to {one.addresses} of the shim's pods"
        )
