"""The records of the deployments of a site, and what they put where. Pure; ``transitions`` says how they change.

One deployment goes on at a time. Its record says so, and until when that counts: a process that dies leaves a record
behind that nobody renews.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from webjobs import names, times
from webjobs.model import JobType
from webjobs.model.site.site_content import SiteContent
from webjobs_apiserver.errors import Missing

Status = Literal[0, 2, 3, 4]
"""Status of a deployment in Kudu's numbers."""
PENDING: Status = 0
"""The zip is looked at and stored; no job has changed."""
DEPLOYING: Status = 2
"""Jobs are being changed. Kudu's 1 is not used: some clients take it for the end."""
FAILED: Status = 3
SUCCESS: Status = 4

LEASE = timedelta(seconds=45)
"""Time without a renewal after which a deployment's process counts as dead."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Line(_Model):
    """A line of the log of a deployment."""

    time: str
    """When it was written, RFC 3339."""
    message: str
    """Sentence for people."""
    type: Literal[0, 1, 2] = 0
    """Kudu's kind of the line: 0 a message, 1 a warning, 2 an error."""


class DeployedJob(_Model):
    """A job of a deployment."""

    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job, as the zip spells it."""
    package: str
    """Digest of the package with the files that the zip has for it."""

    @property
    def key(self) -> str:
        """Identity of the job: its type and its name in the form in which names are compared."""
        return key_of(self.job_type, self.name)


class Place(_Model):
    """What deployments have put into one job."""

    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job."""
    packages: tuple[str, ...]
    """Digests of packages whose files may be there: the last one's, and those of one that did not come to its end."""
    uid: str = ""
    """UID of the WebJob; empty: not known. One with another UID was made by somebody else since."""


class Deployment(_Model):
    """The record of a deployment."""

    id: str
    """Identity of the deployment in URLs."""
    status: Status = PENDING
    """How it stands."""
    status_text: str = ""
    """Why it failed."""
    deployer: str = "N/A"
    """Program that deployed."""
    author: str = "N/A"
    """Name of who deployed."""
    author_email: str = "N/A"
    """Address of who deployed."""
    message: str = ""
    """Text that the client gave."""
    progress: str = ""
    """What is being done, for people."""
    received: str
    """When the request came, RFC 3339."""
    start: str
    """When the work began, RFC 3339."""
    end: str | None = None
    """When it ended, RFC 3339; None while it goes on."""
    renewed: str = ""
    """When its process said last that it lives, RFC 3339."""
    holder: str = ""
    """Process that does it: its host name, which is its pod's name, and a word of its own."""
    clean: bool = False
    """True: files and jobs that came otherwise go, too."""
    jobs: tuple[DeployedJob, ...] | None = None
    """Jobs of the zip; None: not known yet, or only a record that a client has put."""
    content: SiteContent | None = None
    """Content of the site that the zip has; None: it says nothing of that, or it is not known yet."""
    log: tuple[Line, ...] = ()
    """Lines of the log, oldest first."""

    @property
    def is_over(self) -> bool:
        """True when the deployment has ended."""
        return self.status in (FAILED, SUCCESS)

    def is_abandoned(self, now: datetime) -> bool:
        """Return whether the process of a deployment that goes on is dead, or as good as that."""
        return not self.is_over and now - times.parse_time(self.renewed) > LEASE


class State(_Model):
    """All that is known of the deployments of a site."""

    deployments: tuple[Deployment, ...] = ()
    """Records, the one that was received last first."""
    places: Mapping[str, Place] = {}
    """What deployments have put into which job, by the job's identity."""
    active: str = ""
    """Id of the deployment that is in force; empty: there is none."""

    def get(self, identifier: str) -> Deployment:
        """Return one deployment. Raises Missing."""
        for one in self.deployments:
            if one.id == identifier:
                return one
        raise Missing(f"There is no deployment {identifier}.")

    def named(self, identifier: str) -> Deployment:
        """Return the deployment that a URL names: by its id, or the latest by that word in any case. Raises Missing."""
        return self.latest if identifier.lower() == "latest" else self.get(identifier)

    @property
    def pending(self) -> Deployment | None:
        """The deployment that goes on; None: there is none."""
        return next((one for one in self.deployments if not one.is_over), None)

    @property
    def latest(self) -> Deployment:
        """The deployment that goes on, else the one that ended last. Raises Missing."""
        if not self.deployments:
            raise Missing("There is no deployment yet.")
        return self.pending or max(self.deployments, key=lambda one: times.parse_time(one.end))

    def changed(self, deployment: Deployment) -> State:
        """Return the state with another record of a deployment that is there."""
        found = tuple(deployment if one.id == deployment.id else one for one in self.deployments)
        return self.model_copy(update={"deployments": found})


Change = Callable[[State], State]
"""A function from the state as it is to the state as it is to be. It may be called several times."""


def key_of(job_type: JobType, name: str) -> str:
    """Return the identity of a job."""
    return f"{job_type}/{names.fold(name)}"
