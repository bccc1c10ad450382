"""Answers that both kinds of deployment routes give."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from webjobs import times
from webjobs_apiserver.errors import Refused
from webjobs_apiserver.http import responses
from webjobs_apiserver.service.deployments.deployments import Deployments
from webjobs_apiserver.service.deployments.records import Deployment
from webjobs_apiserver.service.deployments.rollout import Lost

RETRY_SECONDS = 3
"""Seconds after which clients are to look again."""
_TAKEN_OVER = "Another process of the REST shim goes on with this deployment: see /api/deployments/latest."


def accepted(request: Request, one: Deployment) -> Response:
    """Return the answer to a deployment that goes on, with the address at which clients look for its end."""
    stamp = times.parse_time(one.received).strftime("%Y-%m-%d_%H-%M-%SZ")
    query = urlencode({"deployer": one.deployer, "time": stamp})
    headers = {
        "Location": f"{responses.base_url(request)}/api/deployments/latest?{query}",
        "Retry-After": str(RETRY_SECONDS),
        "SCM-DEPLOYMENT-ID": one.id,
    }
    return Response(status_code=202, headers=headers)


async def end_of(deployments: Deployments, one: Deployment) -> None:
    """Wait for the end of a deployment that this process has begun; raise why it failed."""
    ended = await deployments.ended(one.id)
    if isinstance(ended.error, Lost):
        raise Refused(_TAKEN_OVER)
    if ended.error:
        raise ended.error
