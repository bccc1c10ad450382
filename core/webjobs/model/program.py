"""What runs a package: the part of the spec that says which host and runtime its files need, and why.

It is decided by ``webjobs.runtimes`` when the files come in, because only then somebody reads them.
"""

from __future__ import annotations

from pydantic import Field

from webjobs.model.base import ApiModel


class NeededRuntime(ApiModel):
    """A runtime that a program needs, by its key in the installation's runtimes."""

    name: str = Field(min_length=1, max_length=32, description="Key of the runtime, such as dotnet, js or py.")
    version: str | None = Field(
        default=None, max_length=64, description="Version that the files ask for. Absent: they say none."
    )


class ProgramProblem(ApiModel):
    """Why nothing here runs a package."""

    reason: str = Field(min_length=1, max_length=64, description="CamelCase word for the problem.")
    message: str = Field(max_length=2048, description="File, line and construct, and what to do.")


class PackageProgram(ApiModel):
    """What runs a package: host, runtime and command line, and why."""

    host: str = Field(max_length=64, description="Kudu's name of the script host.")
    runtime: NeededRuntime = Field(description="Runtime whose image runs it.")
    also: list[NeededRuntime] | None = Field(
        default=None, max_length=16, description="Further runtimes that a batch file calls."
    )
    command: list[str] | None = Field(
        default=None,
        max_length=64,
        description="Words before the arguments of a run, in the entrypoint's folder. Absent: a translated batch file.",
    )
    why: str = Field(max_length=1024, description="Sentence for a person: which files say so.")
    notes: list[str] | None = Field(
        default=None, max_length=32, description="Sentences on what is different here, or not known to work."
    )
    missing: str | None = Field(
        default=None,
        max_length=1024,
        description="Sentence about dependencies that a file names and the package does not hold: what to do.",
    )
    problem: ProgramProblem | None = Field(default=None, description="Why nothing here runs it. Absent: it can run.")

    @property
    def is_translated(self) -> bool:
        """True for a batch file that runs as a shell script made of it."""
        return self.command is None and self.problem is None

    @property
    def runtimes(self) -> tuple[NeededRuntime, ...]:
        """All runtimes that it needs, the main one first."""
        return (self.runtime, *(self.also or ()))
