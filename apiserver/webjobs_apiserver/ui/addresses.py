"""The addresses of pages, and the paths of Kudu's API that they stand for. Pure."""

from __future__ import annotations

from urllib.parse import quote

from webjobs.model import JobType

ROOT = "/ui"
"""Prefix of all pages."""
LOGIN = f"{ROOT}/login"
"""Page by which a person logs in."""
SIGN_ON = f"{LOGIN}/oidc"
"""Address from which a browser goes to the issuer of OpenID Connect."""
SIGNED_ON = f"{SIGN_ON}/callback"
"""Address to which the issuer sends it back."""
JOBS = f"{ROOT}/jobs"
"""Page with all jobs."""
CALENDAR = f"{ROOT}/calendar"
"""Page with the starts of the day to come."""
DEPLOYMENTS = f"{ROOT}/deployments"
"""Page with the deployments of the site."""
VERDICTS = f"{DEPLOYMENTS}/verdicts"
"""Address that looks into a zip and deploys nothing."""
SETTINGS = f"{ROOT}/settings"
"""Page with the settings of the site."""
SITES = f"{ROOT}/sites"
"""Page with the sites that a visitor may see."""
UPLOAD = f"{ROOT}/upload"
"""Page by which a job is made or gets other files."""
AZUREJOBS = "/azurejobs"
"""Root of the dashboard to which Kudu's ``extra_info_url`` leads."""
STATIC = f"{ROOT}/static"
"""Prefix of style sheets and scripts."""


def is_page(path: str) -> bool:
    """Return whether a decoded path is one of the dashboard's."""
    return any(path == root or path.startswith(f"{root}/") for root in (ROOT, AZUREJOBS))


def job(job_type: JobType, name: str) -> str:
    """Return the address of a job's page."""
    return f"{JOBS}/{job_type}/{quote(name, safe='')}"


def run(name: str, run_id: str) -> str:
    """Return the address of the page of a run of a triggered job."""
    return f"{job('triggered', name)}/runs/{run_id}"


def log(name: str, run_id: str) -> str:
    """Return the address of the page with the log of a run."""
    return f"{run(name, run_id)}/log"


def api_run(name: str, run_id: str) -> str:
    """Return the address of a run in Kudu's API."""
    return f"/api/triggeredwebjobs/{quote(name, safe='')}/history/{run_id}"


def log_file(name: str, run_id: str) -> str:
    """Return the address of the log of a run among the files of Kudu's API."""
    return f"/api/vfs/data/jobs/triggered/{quote(name, safe='')}/{run_id}/output_log.txt"


def deployment(identifier: str) -> str:
    """Return the address of a deployment's page."""
    return f"{DEPLOYMENTS}/{quote(identifier, safe='')}"


def setting(name: str) -> str:
    """Return the address at which the value of an app setting is shown."""
    return f"{SETTINGS}/{quote(name, safe='')}"


def api_job(job_type: JobType, name: str) -> str:
    """Return the path of a job in Kudu's API, decoded."""
    return f"/api/{job_type}webjobs/{name}"


def own(text: str) -> str:
    """Return the page of ours that an address in a form or query names, with its query; the first page else.

    What a browser would take for another host's address is none of ours.
    """
    path, question, query = text.partition("?")
    if (
        not path.startswith(f"{ROOT}/")
        or "//" in path
        or "\\" in text
        or any(sign <= " " or sign == "\x7f" for sign in text)
    ):
        return f"{ROOT}/"
    return f"{path}{question}{query}"


def pages(*, settings: bool) -> list[tuple[str, str]]:
    """Return names and addresses of the pages that each page leads to. ``settings``: with the site's settings."""
    found = [("Overview", f"{ROOT}/"), ("Jobs", JOBS), ("Calendar", CALENDAR), ("Deployments", DEPLOYMENTS)]
    return [*found, ("Settings", SETTINGS)] if settings else found
