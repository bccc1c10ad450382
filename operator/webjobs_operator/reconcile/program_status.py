"""What the status of a WebJob says of its program: which file, host, runtime and image, and why. Pure."""

from __future__ import annotations

from webjobs.model import ProgramStatus
from webjobs_operator.context.conditions import Wanted
from webjobs_operator.manifests.program import Program


def of_program(program: Program | None) -> ProgramStatus | None:
    """Return what is told of a program; None for an image's own command, and for a WebJob that can't run."""
    if program is None or program.script is None:
        return None
    choice, picked = program.choice, program.picked
    host = choice.host if choice else program.script.host.name
    if program.on_windows:
        why = "It runs on a Windows node."
    elif choice is None:
        why = "settings.job names the command line."
    else:
        why = choice.why
    if picked is None:
        why += " The spec or settings.job names the image." if not program.on_windows else ""
    elif picked.note:
        why += f" {picked.note}"
    return ProgramStatus(
        file=program.script.path,
        host=host,
        runtime=choice.runtime.name if choice and picked else None,
        version=picked.version if picked else None,
        image=program.image,
        why=why,
        notes=(choice.notes if choice else None) or None,
        script=program.config_map if program.is_translated else None,
    )


def dependencies(program: Program | None) -> Wanted | None:
    """Return the condition that tells of dependencies which a package names and does not hold; None: it holds them."""
    choice = program.choice if program else None
    if choice is None or choice.missing is None:
        return None
    return Wanted(type="Dependencies", status=False, reason="NotInstalled", message=choice.missing)
