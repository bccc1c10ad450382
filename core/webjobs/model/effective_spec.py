"""A WebJob under the settings of its site: the switches of all jobs, as Kudu has them. Pure.

The settings are those of docs/kudu-contract.md, section 4.2.
"""

from __future__ import annotations

from typing import Any

from webjobs.model import WebJob
from webjobs.model.site import site_settings
from webjobs.model.site.site_settings import SiteSettings


def under(webjob: WebJob, site: SiteSettings) -> WebJob:
    """Return a WebJob as it is to be treated under the settings of its site.

    What the WebJob itself says about its history and zone wins.
    """
    spec = webjob.spec
    changes: dict[str, Any] = {}
    if webjob.wants_site_content is None and site.gives_content:
        changes["site_content"] = True
    if spec.type == "continuous":
        if site.stopped:
            changes["stopped"] = True
        if spec.restart_delay_seconds is None:
            uploaded = site_settings.DEFAULT_RESTART_SECONDS if spec.package else None
            changes["restart_delay_seconds"] = uploaded if site.restart_seconds is None else site.restart_seconds
    else:
        if site.stopped or site.schedules_disabled:
            changes["suspend"] = True
        if spec.concurrency_policy is None and site.concurrency_policy:
            changes["concurrency_policy"] = site.concurrency_policy
        if spec.history_limit is None and site.history_size:
            changes["history_limit"] = site.history_size
        if spec.time_zone is None and site.time_zone:
            changes["time_zone"] = site.time_zone
        if spec.idle_timeout_seconds is None:
            changes["idle_timeout_seconds"] = site.idle_seconds
    return webjob.model_copy(update={"spec": spec.model_copy(update=changes)})
