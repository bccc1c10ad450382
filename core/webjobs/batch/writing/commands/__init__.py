"""The commands of a batch file as sh, each in a module by its subject."""

from webjobs.batch.writing.commands.dispatch import write_command

__all__ = ["write_command"]
