"""Entry points: ``kubectl webjob``, ``webjobs``, and the program that kubectl asks for completions.

Clients of HTTP and of Kubernetes, and the models, take most of a start. They are imported where a command is run or
names of jobs are asked for: help, errors of usage and completion of other words do without.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from webjobs_cli import completion, parser
from webjobs_cli.errors import FAILED, INTERRUPTED, OK, USAGE, CliError, UsageError
from webjobs_kube.errors import ApiError, NoCluster, NotFound, Unreachable

if TYPE_CHECKING:
    from webjobs_cli.session import Session

Command = Callable[["Session"], Coroutine[Any, Any, int]]
"""A command: from a Session to the exit code."""
_COMPLETION_SECONDS = 3
_COMMANDS = {
    "list": "jobs:list_",
    "show": "jobs:show",
    "start": "jobs:start",
    "stop": "jobs:stop",
    "suspend": "jobs:suspend",
    "resume": "jobs:resume",
    "run": "runs:run",
    "history": "runs:history",
    "cancel": "runs:cancel",
    "logs": "logs:logs",
    "push": "packages:push",
    "rollback": "packages:rollback",
    "schedule": "schedules:next_",
    "import": "importing:import_",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "publish-profile": "publish_profile:publish_profile",
    "doctor": "doctor:doctor",
}
"""Module and function of each command; a module is imported when its command is called, since some take their time."""


def _command(name: str) -> Command:
    module, _, function = _COMMANDS[name].partition(":")
    found: Command = getattr(import_module(f"webjobs_cli.commands.{module}"), function)
    return found


def _run(options: Namespace) -> int:
    """Run the command that the options name; return its exit code."""
    import asyncio

    from webjobs_cli.session import Session

    return asyncio.run(_command(options.command)(Session(options=options, environ=os.environ)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")
    if words[:1] == ["__complete"]:
        return _complete(words[1:])
    try:
        options = parser.parse(words)
        if options.version:
            from importlib import metadata

            print(metadata.version("webjobs-kubernetes"))
            return OK
        if options.command is None:
            raise UsageError("A command is missing. 'kubectl webjob --help' lists them.")
        if options.command == "completion":
            print(completion.SCRIPTS[options.shell], end="")
            return OK
        return _run(options)
    except SystemExit as end:  # of --help
        return OK if end.code in (None, 0) else USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who reads us has seen enough. Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except CliError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except NoCluster as error:
        print(f"error: {error} Give one by --kubeconfig or KUBECONFIG.", file=sys.stderr)
        return FAILED
    except ApiError as error:
        print(f"error: {explain(error)}", file=sys.stderr)
        return FAILED
    except OSError as error:  # a full disk, say
        print(f"error: {error}", file=sys.stderr)
        return FAILED


def explain(error: ApiError) -> str:
    """Return what an answer of the API server means for a person, and what to do."""
    if isinstance(error, Unreachable):
        return f"The API server can't be reached ({error.message}). Is the cluster up, and the context right?"
    if isinstance(error, NotFound) and "could not find the requested resource" in error.message:
        return "The cluster knows no WebJobs: install the chart, or choose another context."
    if error.status == 401:
        return "The API server does not accept the credentials of the kubeconfig: log in again."
    if error.status == 403:
        return f"{error.message}. docs/cli.md has a Role with the rights that are needed."
    return error.message or str(error)


def _complete(words: Sequence[str]) -> int:
    """Print candidates for the last word, a line each; return the exit code."""
    with suppress(Exception):
        for one in completion.candidates(parser.build(), words, names=_names):
            print(one)
    return OK


def kubectl_complete() -> int:
    """Print what kubectl expects of ``kubectl_complete-webjob``; return the exit code.

    Candidates, then a directive (0: file names where there are no candidates; 4: no file names).
    """
    words = sys.argv[1:]
    _complete(words)
    print(":0" if completion.is_file(parser.build(), words) else ":4")
    return OK


def _names(words: Sequence[str]) -> list[str]:
    """Return the names of WebJobs, as far as they are to be had in a moment."""
    import asyncio

    from webjobs.model import WebJob
    from webjobs_cli import lookup
    from webjobs_cli.session import Session

    options = _lenient(words)

    async def ask() -> list[str]:
        session = Session(options=options, environ=os.environ)
        async with asyncio.timeout(_COMPLETION_SECONDS), session.kube() as kube:
            raws = await session.webjobs(kube)
            return sorted({lookup.job_name(raw) for raw in raws if WebJob.parse(raw)})

    return asyncio.run(ask())


def _lenient(words: Sequence[str]) -> Namespace:
    """Return where to look, from words that may not be a whole command line yet."""
    found = Namespace(namespace=None, context=None, kubeconfig=None)
    known = {"-n": "namespace", "--namespace": "namespace", "--context": "context", "--kubeconfig": "kubeconfig"}
    for at, word in enumerate(words):
        name, is_whole, value = word.partition("=")
        if name in known:
            setattr(found, known[name], value if is_whole else next(iter(words[at + 1 :]), None))
    return found


if __name__ == "__main__":
    sys.exit(main())
