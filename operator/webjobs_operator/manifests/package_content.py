"""The files of a small package, from the store or the WebJob itself, for its ConfigMap."""

from __future__ import annotations

import asyncio
import logging

from webjobs.model import WebJob
from webjobs.store import FAILURES, ObjectStore, packages
from webjobs_operator.manifests.program import Unrunnable, inline_tar

log = logging.getLogger(__name__)


class StoreAway(Unrunnable):
    """A store that does not answer. It will again: runs wait instead of failing."""

    def __init__(self) -> None:
        # The store's own words change with every try, and can name hosts: they are for our log.
        super().__init__(
            "StoreUnavailable",
            "The store for packages and logs does not give the package. Runs wait until it does.",
            passes=True,
        )


async def content(store: ObjectStore, webjob: WebJob) -> bytes:
    """Return a WebJob's small package as a tar.

    Raises Unrunnable when there is none: StoreAway while the store fails.
    """
    namespace, package = webjob.metadata.namespace, webjob.spec.package
    if package is None:
        return inline_tar(webjob)
    try:
        return await asyncio.to_thread(packages.read_tar, store, namespace=namespace, digest=package.digest)
    except packages.PackageError as error:
        raise Unrunnable("PackageMissing", f"{error}.") from error
    except FAILURES as error:
        log.warning("package of WebJob %s/%s: %s: %s", namespace, webjob.metadata.name, type(error).__name__, error)
        raise StoreAway from error
