"""What is told when an object is missing that the chart makes for each site.

The shim may change these objects, and make none: who may create Secrets of any name can have a token made for every
service account of the namespace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from webjobs_apiserver.errors import Unavailable
from webjobs_apiserver.sites import Site
from webjobs_kube.errors import Conflict, Forbidden


@contextmanager
def writing(kind: str, name: str, site: Site, *, what: str) -> Iterator[None]:
    """Raise Unavailable where a write to an object of the chart is refused, or others are faster each time.

    ``what``: what is in the object, for people, in the plural.
    """
    try:
        yield
    except Conflict:
        raise Unavailable(f"{what} are being changed by others at the same time. Try again.") from None
    except Forbidden:
        raise _missing(kind, name, site) from None


def _missing(kind: str, name: str, site: Site) -> Unavailable:
    """Return the error of a write to an object that the shim may not make, or not change."""
    plain = "secret generic" if kind == "Secret" else "configmap"
    # Without the annotation the next 'helm upgrade' deletes it with all that is in it: it was the chart's once, and is
    # none that the chart has made.
    kept = f"kubectl annotate {kind.lower()} {name} -n {site.namespace} helm.sh/resource-policy=keep"
    return Unavailable(
        f"The {kind} {name} of namespace {site.namespace} is missing, or may not be changed: run 'helm upgrade', or "
        f"'kubectl create {plain} {name} -n {site.namespace}' and '{kept}'."
    )
