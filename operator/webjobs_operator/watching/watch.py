"""kopf as this operator uses it: it lists and watches, feeds the cache, and answers the liveness probe."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import kopf

from webjobs_operator.watching import handlers


async def run(
    *,
    identity: str,
    namespaces: Sequence[str],
    health: str | None,
    register: Callable[[kopf.OperatorRegistry], None],
) -> None:
    """Watch the cluster until cancelled.

    ``namespaces``: all when empty. ``health``: URL of the liveness answer; None: there is none. ``register``: function
    that registers what is called at events.
    """
    registry, settings = kopf.OperatorRegistry(), kopf.OperatorSettings()
    handlers.configure(settings)
    register(registry)
    _register_login(registry)
    await kopf.operator(
        registry=registry,
        settings=settings,
        # kopf would ask for the user's name otherwise, and a user id that is in no file has none.
        identity=identity,  # type: ignore[arg-type]  # a NewType of str, which kopf keeps to itself
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        liveness_endpoint=health,
    )


def _register_login(registry: kopf.OperatorRegistry) -> None:
    """Log kopf in by itself: its usual way imports the whole synchronous client for it."""

    @kopf.on.login(registry=registry, retries=3)
    async def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        if "KUBECONFIG" in os.environ:
            return kopf.login_with_kubeconfig(**kwargs)
        return kopf.login_with_service_account(**kwargs)
