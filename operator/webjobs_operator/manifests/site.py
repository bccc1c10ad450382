"""What the pods of a job get of their site: variables of the environment, and the site's content. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from webjobs.model import WebJob
from webjobs.model.site.site_content import SiteContent
from webjobs.model.site.site_settings import SiteSettings
from webjobs.schedules import ScheduleError, iana_name
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests.problem import Unrunnable
from webjobs_operator.manifests.program import Program


def of_site(
    program: Program, webjob: WebJob, *, site: SiteSettings, content: SiteContent | None, config: OperatorConfig
) -> Program:
    """Return a program with what its pods get of their site.

    ``content``: of the site; None: it has none. Raises Unrunnable when the WebJob wants content that it can't have.
    """
    found = replace(program, environment=environment(site, namespace=webjob.metadata.namespace, config=config))
    if not webjob.wants_site_content:
        return found
    if content and not program.on_windows:
        return replace(found, site_content=content)
    if not webjob.spec.site_content:
        return found  # is_in_place alone: without a site around it a job's own copy is its place
    if program.on_windows:
        raise Unrunnable(
            "NoSiteContent",
            "Pods on Windows nodes don't get the site's content. Say siteContent: false in the spec, or let the job "
            "run on Linux by image and command in settings.job.",
        )
    raise Unrunnable(
        "NoSiteContent",
        "The WebJob asks for the site's content (siteContent, or WEBJOBS_SITE_CONTENT of the site), and there is none. "
        "Deploy a zip with files beside App_Data/jobs by /api/zipdeploy; runs wait until then. The log of the last "
        "deployment says when its files were too large to be kept.",
        passes=True,
    )


def environment(site: SiteSettings, *, namespace: str, config: OperatorConfig) -> Mapping[str, str]:
    """Return the variables that tell processes of their site, without those that the site sets itself."""
    named = config.sites.get(namespace)
    found = {"WEBSITE_SITE_NAME": named.name if named else namespace}
    if named and named.host:
        found["WEBSITE_HOSTNAME"] = named.host
    if zone := _zone(site):
        found["TZ"] = zone
    return {name: value for name, value in found.items() if name not in site.names}


def _zone(site: SiteSettings) -> str | None:
    """Return TZ for the processes of a site, as App Service sets it; None when there is nothing to set."""
    if site.time_zone is None:
        return None
    try:
        return iana_name(site.time_zone)
    except ScheduleError:
        return None  # the condition of a schedule says so; a process would read any name as UTC
