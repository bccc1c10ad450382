"""The REST shim's process: ``python -m webjobs_apiserver --config FILE``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from datetime import UTC, datetime

import uvicorn

from webjobs.store import open_store
from webjobs_apiserver import config as configuration
from webjobs_apiserver.app import create_app
from webjobs_apiserver.auth import OPEN_PATHS
from webjobs_apiserver.config import ApiserverConfig
from webjobs_apiserver.hookdelivery import Delivery
from webjobs_apiserver.hooks import Hooks
from webjobs_apiserver.jobs import Jobs
from webjobs_apiserver.kudu.hooks import posted
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient

log = logging.getLogger("webjobs_apiserver")

MANAGER = "webjobs-apiserver"
SHUTDOWN_SECONDS = 20


class PathOnly(logging.Filter):
    """Takes the query out of uvicorn's access log (arguments of runs can be secret), and probes altogether."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, version, status = record.args
            record.args = (client, method, str(path).partition("?")[0], version, status)
            return not (status == 200 and path in OPEN_PATHS)
        return True


def main() -> None:
    """Serves until a signal."""
    parser = argparse.ArgumentParser(prog="webjobs-apiserver")
    parser.add_argument("--config", required=True, help="YAML file with the REST shim's settings")
    arguments = parser.parse_args()
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("uvicorn.access").addFilter(PathOnly())
    asyncio.run(serve(configuration.load(arguments.config)))


async def serve(config: ApiserverConfig) -> None:
    """The server as one coroutine; a signal or cancelling it ends it."""
    async with await KubeClient.connect(manager=MANAGER) as kube:
        app = create_app(config=config, kube=kube, store=open_store(config.store_url))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=config.host,
                port=config.port,
                log_config=None,
                ws="none",
                server_header=False,
                forwarded_allow_ips=list(config.forwarded_allow_ips),
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        log.info("serving site %s, namespace %s", config.site, config.namespace)
        telling = asyncio.create_task(_tell_hooks(config, kube))
        try:
            await server.serve()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


async def _tell_hooks(config: ApiserverConfig, kube: KubeClient) -> None:
    """Tells web hooks of ended runs, forever."""
    jobs, hooks = Jobs(kube), Hooks(kube, clock=_utc_now)
    delivery = Delivery(kube, hooks=hooks, jobs=jobs, body=posted, clock=_utc_now)
    await delivery.run(Site(name=config.site, namespace=config.namespace))


def _utc_now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
