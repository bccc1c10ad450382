"""The REST shim's process: ``python -m webjobs_apiserver --config FILE``."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from webjobs.store import UMASK, open_store
from webjobs.times import utc_now
from webjobs_apiserver import config as configuration
from webjobs_apiserver.app import create_app
from webjobs_apiserver.auth_middleware import OPEN_PATHS
from webjobs_apiserver.config import ApiserverConfig, TlsConfig
from webjobs_apiserver.kudu.hooks import posted
from webjobs_apiserver.service.hook_delivery import Delivery
from webjobs_apiserver.service.hooks import Hooks
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.sites import Site
from webjobs_apiserver.tls import InClear, reload_on_change
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.client import KubeClient
from webjobs_kube.tasks import cancelled

log = logging.getLogger("webjobs_apiserver")

MANAGER = "webjobs-apiserver"
"""Name of the REST shim as field manager and user agent."""
SHUTDOWN_SECONDS = 20
"""Seconds that open requests get to end when the process ends."""


class PathOnly(logging.Filter):
    """A filter of uvicorn's access log, without queries (arguments of runs can be secret) and without probes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove the query from a record; return False for a probe that succeeded."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, version, status = record.args
            record.args = (client, method, str(path).partition("?")[0], version, status)
            return not (status == 200 and path in OPEN_PATHS)
        return True


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="webjobs-apiserver")
    parser.add_argument("--config", required=True, help="YAML file with the REST shim's settings")
    arguments = parser.parse_args()
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("uvicorn.access").addFilter(PathOnly())
    os.umask(UMASK)
    gc.freeze()  # what was imported stays: each look at all of it would hold everything up by a tenth of a second
    asyncio.run(serve(configuration.load(arguments.config)))


async def serve(config: ApiserverConfig) -> None:
    """Run the servers and the deliveries of web hooks; a signal or cancelling it ends them."""
    async with await KubeClient.connect(manager=MANAGER) as kube:
        app = create_app(config=config, kube=kube, store=open_store(config.store_url))
        for host, site in config.host_map().items():
            log.info("serving %s: namespace %s", host, site.namespace)
        log.info("serving other hosts: site %s, namespace %s", config.site, config.namespace)
        telling = [asyncio.create_task(_tell_hooks(kube, site)) for site in config.all_sites()]
        try:
            if config.tls:
                await serve_tls(app, config=config, tls=config.tls)
            else:
                await uvicorn.Server(_server(app, config, port=config.port)).serve()
        finally:
            await cancelled(telling)


async def _tell_hooks(kube: KubeClient, site: Site) -> None:
    """Deliver ended runs to the web hooks of a site, forever."""
    jobs, hooks = Jobs(kube, feed=Feed(kube, namespaces=[])), Hooks(kube, clock=utc_now)
    delivery = Delivery(kube, hooks=hooks, jobs=jobs, body=posted, clock=utc_now)
    await delivery.run(site)


def _server(app: ASGIApp, config: ApiserverConfig, *, port: int, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=config.host,
        port=port,
        log_config=None,
        ws="none",
        server_header=False,
        proxy_headers=False,  # the application's own, which knows X-Forwarded-Host too
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        **more,
    )


async def serve_tls(app: ASGIApp, *, config: ApiserverConfig, tls: TlsConfig) -> None:
    """Serve all routes by TLS, and those of pods and probes in clear as well.

    Pods don't know the shim's certificate.
    """
    certificate, key = tls.directory / "tls.crt", tls.directory / "tls.key"
    options = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
    secure = _server(app, config, port=tls.port, **options)
    secure.load()
    assert secure.ssl  # noqa: S101  load() makes it
    servers = uvicorn.Server(secure), _Beside(_server(InClear(app), config, port=config.port, lifespan="off"))
    renewal = asyncio.create_task(reload_on_change(secure.ssl, certificate=certificate, key=key))
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    try:
        await asyncio.shield(tasks[0])
    finally:
        for server in servers:
            server.should_exit = True
        renewal.cancel()
        await asyncio.gather(*tasks, renewal, return_exceptions=True)


class _Beside(uvicorn.Server):
    """A second server of the process: signals are for the first, which ends this one too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


if __name__ == "__main__":
    main()
