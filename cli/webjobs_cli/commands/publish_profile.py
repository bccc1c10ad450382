"""The command publish-profile: the file with which deploy clients of App Service log in, through the REST shim."""

from __future__ import annotations

import re

from webjobs_cli import new_file
from webjobs_cli.errors import OK
from webjobs_cli.session import Session

_URL = re.compile(r'publishUrl="([^":]*)')
_NO_SCM = (
    "note: GitHub's azure/webapps-deploy and Azure Pipelines refuse a profile whose host has no 'scm' in its name, and "
    "this one is {host!r}. Name another host of the site by --host."
)


async def publish_profile(session: Session) -> int:
    """Print the publish profile of the site, or write it into a new file."""
    file: str | None = session.options.file
    path = None if file in (None, "-") else file
    if path is not None:
        new_file.refuse_over(path)  # before the site is asked for a password that has no place to go
    async with session.rest() as rest:
        content = await rest.publish_profile(host=session.options.host)
    if path is None:
        session.print(content)
    else:
        with new_file.create(path) as out:
            out.write(f"{content}\n".encode())
        session.print(f"wrote {path}. It holds the deploy password: keep it like one.")
    host = _URL.search(content)
    if host and "scm" not in host[1]:
        session.tell(_NO_SCM.format(host=host[1]))
    return OK
