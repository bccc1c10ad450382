"""The command doctor: what is wrong with an installation, and what to do."""

from __future__ import annotations

from importlib import metadata

from webjobs_cli import output, text
from webjobs_cli.address import TARGET
from webjobs_cli.doctor import report
from webjobs_cli.doctor.examine import examine
from webjobs_cli.doctor.facts import ByRest
from webjobs_cli.doctor.reading import by_rest, cluster
from webjobs_cli.doctor.reading.cluster import Scope
from webjobs_cli.errors import UsageError
from webjobs_cli.session import Session


async def doctor(session: Session) -> int:
    """Print what is the case with an installation; return FAILED when anything of it is bad."""
    options = session.options
    scope = Scope(release_namespace=options.release_namespace, only=options.namespace, usual=session.namespace)
    rest = await _rest(session)
    async with session.kube() as kube:
        facts = await cluster.read(kube, scope, clock=session.clock, cli_version=version(), rest=rest)
    found = examine(facts)
    form = options.output
    if form in ("json", "yaml"):
        session.print(output.dump(report.body(found), form), end="")
        return report.exit_code(found)
    wide = form == "wide"
    session.print(text.table(*report.table(found, wide=wide)), end="")
    advice = [] if wide else list(report.advice(found))
    if advice:
        session.print("\nWhat to do:")
    for number, line in enumerate(advice, start=1):
        session.print(f"{number}. {line}")
    session.tell(report.summary(found))
    return report.exit_code(found)


async def _rest(session: Session) -> ByRest | None:
    """Return what the REST shim answers; None when it was not said where it is."""
    if not session.has_rest:
        return None
    try:
        async with session.rest() as rest:
            return await by_rest.read(rest, clock=session.clock)
    except UsageError as error:
        url = session.options.url or session.environ.get(TARGET.url, "")
        return ByRest(url=url, error=str(error), unasked=True)


def version() -> str:
    """Return the version of this program; empty when it is not installed, but run from its source."""
    try:
        return metadata.version("webjobs-kubernetes")
    except metadata.PackageNotFoundError:
        return ""
