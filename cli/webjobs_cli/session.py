"""The surroundings of a command: options, streams, and the ways to the cluster and to the REST shim."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from webjobs.model import API_VERSION
from webjobs.objects import Object
from webjobs.times import utc_now
from webjobs_cli import address, lookup
from webjobs_cli.progress import Progress
from webjobs_cli.rest import Rest

if TYPE_CHECKING:  # the client takes half a second to import, and not every command needs it
    from webjobs_kube.client import KubeClient

MANAGER = "kubectl-webjob"
"""Name of the program as field manager and in triggers of runs."""


@dataclass(kw_only=True)
class Session:
    """A call of the program."""

    options: Namespace
    """Options of the command line."""
    environ: Mapping[str, str]
    """Environment variables."""
    out: TextIO = field(default_factory=lambda: sys.stdout)
    """Stream for results."""
    err: TextIO = field(default_factory=lambda: sys.stderr)
    """Stream for everything beside results."""
    clock: Callable[[], datetime] = utc_now
    """Function that returns the time of now, aware."""

    def print(self, text: str, *, end: str = "\n") -> None:
        """Print a result."""
        self.out.write(text + end)
        self.out.flush()

    def tell(self, text: str) -> None:
        """Print something beside the result."""
        self.err.write(f"{text}\n")
        self.err.flush()

    def progress(self, what: str, *, total: int | None = None) -> Progress:
        """Return the progress of a transfer, shown beside the result.

        ``total``: bytes, None when not known.
        """
        return Progress(self.err, what, total=total)

    @property
    def namespace(self) -> str:
        """Namespace that was asked for, else that of the context."""
        given: str | None = self.options.namespace
        if given:
            return given
        from webjobs_kube import transport

        return transport.default_namespace(kubeconfig=self._kubeconfig, context=self.options.context)

    @property
    def _kubeconfig(self) -> str | None:
        given: str | None = self.options.kubeconfig
        return given or None

    @asynccontextmanager
    async def kube(self) -> AsyncIterator[KubeClient]:
        """Connect to the cluster.

        Raises NoCluster.
        """
        from webjobs_kube.client import KubeClient

        async with await KubeClient.connect_as(
            manager=MANAGER, kubeconfig=self._kubeconfig, context=self.options.context
        ) as client:
            yield client

    @asynccontextmanager
    async def rest(self) -> AsyncIterator[Rest]:
        """Connect to the REST shim.

        Raises UsageError when it is not said where it is.
        """
        where = address.read(
            url=self.options.url or self.environ.get(address.TARGET.url),
            user=self.options.user,
            password=self.options.password,
            token=self.options.token,
            environ=self.environ,
        )
        async with self.site(where) as found:
            yield found

    @asynccontextmanager
    async def site(self, where: address.Address) -> AsyncIterator[Rest]:
        """Connect to a site over HTTP."""
        if where.in_clear:
            self.tell(f"warning: the credentials go to {where.url} unencrypted: https keeps them to itself.")
        async with Rest(where) as found:
            yield found

    @property
    def has_rest(self) -> bool:
        """True when it was said where the REST shim is."""
        return bool(self.options.url or self.environ.get(address.TARGET.url))

    async def webjobs(self, kube: KubeClient) -> list[Object]:
        """Return all WebJobs of the namespace."""
        return [
            {"apiVersion": API_VERSION, "kind": "WebJob"} | raw for raw in await kube.list("WebJob", self.namespace)
        ]

    async def webjob(self, kube: KubeClient) -> Object:
        """Return the WebJob that the options name.

        Raises CliError when there is none.
        """
        known = await self.webjobs(kube)
        return lookup.webjob(known, self.options.name, job_type=self.options.type, namespace=self.namespace)
