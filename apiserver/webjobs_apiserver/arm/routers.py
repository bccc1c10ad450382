"""All routes of the ARM facade."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter

from webjobs_apiserver.arm import (
    continuous,
    deployments,
    jobs,
    kudu_passthrough,
    publish_profile,
    site_resources,
    site_settings,
    triggered,
)
from webjobs_apiserver.arm.facade import Facade
from webjobs_apiserver.arm.paths import SITE, SLOT
from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.service.service import Service


def routers(service: Service, keeper: Keeper) -> Iterator[APIRouter]:
    """Yield ARM's own routes, each for a site and for a slot, and Kudu's in ARM mode.

    They are for a place before Kudu's others.
    """
    facade = Facade(service=service)
    for prefix in (SITE, SLOT):
        yield jobs.all_jobs(facade, prefix)
        yield jobs.jobs_of(facade, prefix, "triggered")
        yield jobs.jobs_of(facade, prefix, "continuous")
        yield triggered.router(facade, prefix)
        yield continuous.router(facade, prefix)
        yield deployments.router(facade, prefix)
        yield publish_profile.router(facade, keeper, prefix)
        yield site_resources.router(facade, keeper, prefix)
        yield site_settings.router(facade, prefix)
    yield site_resources.beside_sites(facade)
    yield from kudu_passthrough.routers(facade)
