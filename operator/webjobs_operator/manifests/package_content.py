"""The files of a WebJob's ConfigMap: its small package, and the script that its batch file was translated to."""

from __future__ import annotations

import asyncio
import logging

from webjobs.batch import Untranslatable
from webjobs.constants import SCRIPT_FILE
from webjobs.model import WebJob
from webjobs.store import FAILURES, ObjectStore, packages, translated_scripts
from webjobs_operator.manifests.delivery import PACKAGE_FILE
from webjobs_operator.manifests.program import Program, Unrunnable, inline_tar

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


async def content(store: ObjectStore, webjob: WebJob, program: Program) -> dict[str, bytes]:
    """Return the files that a WebJob's ConfigMap brings: the small package as a tar, and the translated script.

    Raises Unrunnable when there are none: StoreAway while the store fails.
    """
    try:
        return await asyncio.to_thread(_content, store, webjob, program)
    except packages.PackageError as error:
        raise Unrunnable("PackageMissing", f"{error}.") from error
    except Untranslatable as error:
        raise Unrunnable("BatchNotTranslated", str(error)) from error
    except FAILURES as error:
        key = f"{webjob.metadata.namespace}/{webjob.metadata.name}"
        log.warning("package of WebJob %s: %s: %s", key, type(error).__name__, error)
        raise StoreAway from error


def _content(store: ObjectStore, webjob: WebJob, program: Program) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if program.has_package_in_map:
        found[PACKAGE_FILE] = _tar(store, webjob)
    if script := translated_scripts.script_of(store, webjob) if program.is_translated else None:
        found[SCRIPT_FILE] = script
    return found


def _tar(store: ObjectStore, webjob: WebJob) -> bytes:
    package = webjob.spec.package
    if package is None:
        return inline_tar(webjob)
    return packages.read_tar(store, namespace=webjob.metadata.namespace, digest=package.digest)
