"""The command line: what there is, and what each word means. Pure."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from webjobs_cli.errors import UsageError

_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s?)?", re.ASCII)
TYPES = ("triggered", "continuous")
"""Types of jobs that an option can name."""
FORMATS = ("table", "wide", "json", "yaml", "name")
"""Forms of results."""
SHELLS = ("bash", "zsh", "fish")
"""Shells that words can be completed in."""

_DEFAULTS: dict[str, Any] = {
    "namespace": None,
    "context": None,
    "kubeconfig": None,
    "url": None,
    "user": None,
    "password": None,
    "token": None,
    "output": "table",
}


class Parser(argparse.ArgumentParser):
    """An argparse parser that fails by UsageError, and tells what it reads."""

    def __init__(self, *, parents: Sequence[Parser] = (), **more: Any) -> None:
        self.words: list[argparse.Action] = []
        """Options and arguments. Whoever adds some to a group has to add them here."""
        self.commands: Mapping[str, Parser] = {}
        """Parsers of commands, by name."""
        super().__init__(parents=parents, **more)
        for parent in parents:
            self.words += parent.words

    def add_argument(self, *names: Any, **more: Any) -> argparse.Action:
        """Add an option or argument, and note it."""
        added = super().add_argument(*names, **more)
        self.words.append(added)
        return added

    def error(self, message: str) -> NoReturn:
        """Raise a UsageError that names the help of this parser's command."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}. '{self.prog} --help' shows how it goes.")


def duration(value: str) -> timedelta:
    """Return the duration that ``90``, ``90s``, ``5m`` or ``1h30m`` says."""
    found = _DURATION.fullmatch(value)
    if not value or found is None or not any(found.groups()):
        raise argparse.ArgumentTypeError(f"{value!r} is no duration: write 30s, 5m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def moment(value: str) -> datetime:
    """Return the time that a text says (RFC 3339); without an offset in UTC."""
    try:
        when = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is no time: write 2026-03-29T02:30:00Z") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def natural(value: str) -> int:
    """Return the number from 1 on that a text says."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", value):
        raise argparse.ArgumentTypeError(f"{value!r} is no number from 1 on")
    return int(value)


def _common() -> Parser:
    """Return the options that may stand before and after the command: those that are not given leave no trace."""
    common = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    where = common.add_argument_group("where")
    common.words += [
        where.add_argument("-n", "--namespace", help="namespace (default: that of the context)"),
        where.add_argument("--context", help="context of the kubeconfig"),
        where.add_argument("--kubeconfig", metavar="FILE", help="default: KUBECONFIG, else ~/.kube/config"),
        where.add_argument("--url", help="address of the REST shim (WEBJOBS_URL)"),
        where.add_argument("--user", help="its user (WEBJOBS_USER)"),
        where.add_argument(
            "--password", help="its password; WEBJOBS_PASSWORD is better, others can read command lines"
        ),
        where.add_argument("--token", help="token of Kubernetes instead of both (WEBJOBS_TOKEN)"),
    ]
    common.add_argument("-o", "--output", choices=FORMATS, help="form of the result (default: table)")
    return common


def build() -> Parser:
    """Return the parser of all commands; each sets ``command`` to its name."""
    common = _common()
    top = Parser(
        prog="kubectl webjob",
        description="WebJobs on Kubernetes.",
        epilog="Exit codes: 0 fine, 1 it went wrong, 2 the command line is wrong; 'run --wait': that of the run.",
        parents=[common],
        allow_abbrev=False,
    )
    top.add_argument("--version", action="store_true", help="shows the version")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    top.commands = commands.choices

    def add(name: str, text: str, *, typed: bool = True, into: Any = commands) -> Parser:
        made: Parser = into.add_parser(
            name, help=text, description=f"{text[:1].upper()}{text[1:]}.", parents=[common], allow_abbrev=False
        )
        if typed:
            made.add_argument("--type", choices=TYPES, help="only of this type")
        return made

    def named(name: str, text: str, **more: Any) -> Parser:
        made = add(name, text, **more)
        made.add_argument("name", metavar="NAME", help="of the WebJob, as REST clients or as Kubernetes see it")
        return made

    add("list", "all WebJobs of the namespace")
    show = named("show", "one WebJob: state, schedule, instances, what runs it, why it is not ready")
    show.add_argument("--script", action="store_true", help="only the shell script that its batch file runs as")
    _run(named("run", "starts a run of a triggered WebJob; words after -- are its arguments"))
    _logs(named("logs", "the log of a run (the newest one), or of a continuous WebJob"))
    history = named("history", "runs of a triggered WebJob, newest first")
    history.add_argument("--limit", type=natural, metavar="N", help="only so many")
    history.add_argument("--all", action="store_true", help="also those in the store, through the REST shim")
    named("start", "starts a stopped continuous WebJob")
    named("stop", "stops a continuous WebJob")
    cancel = named("cancel", "ends a run that goes on")
    cancel.add_argument("--run", metavar="ID", help="which, where several go on")
    cancel.add_argument("--all", action="store_true", help="all that go on")
    for name, text in (("suspend", "lets the schedule rest; runs on demand work"), ("resume", "lets it go on")):
        named(name, text).add_argument("--schedule", metavar="NAME", help="only this WebJobSchedule of the job")
    push = named("push", "uploads a folder, a zip or a script, through the REST shim")
    push.add_argument("path", metavar="PATH", help="the folder, zip or script")
    rollback = named("rollback", "goes back to the package before, with its settings")
    rollback.add_argument("--to", metavar="DIGEST", help="to this one; its first characters do")
    rollback.add_argument("--list", action="store_true", help="only shows the packages that there are")
    _schedule(add("schedule", "about schedules", typed=False), add)
    _import(add("import", "brings the jobs of an App Service site over", typed=False))
    backup = add("backup", "the whole site in one file, through the REST shim", typed=False)
    backup.add_argument("file", nargs="?", metavar="FILE", help="the new file (default: SITE-TIME.tar); - for stdout")
    restore = add("restore", "brings a backup into a site; what has run does not run again", typed=False)
    restore.add_argument("file", metavar="FILE", help="what backup wrote; - for stdin")
    restore.add_argument("--dry-run", action="store_true", help="only shows what would be done")
    profile = add(
        "publish-profile", "what deploy clients of App Service log in with, through the REST shim", typed=False
    )
    profile.add_argument("file", nargs="?", metavar="FILE", help="a new file, for your eyes only (default: stdout)")
    profile.add_argument("--host", metavar="HOST", help="the host in it (default: that of --url)")
    doctor = add("doctor", "looks at the whole installation, says what is wrong and what to do", typed=False)
    doctor.add_argument(
        "--release-namespace", metavar="NAMESPACE", help="only the installation there (default: all that there are)"
    )
    completion = add("completion", "a script that completes words in a shell", typed=False)
    completion.add_argument("shell", choices=SHELLS)
    return top


def _run(parser: Parser) -> None:
    parser.add_argument(
        "-w", "--wait", action="store_true", help="until it has ended; the exit code is that of the run"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="shows its output, and waits")
    parser.add_argument("--timeout", type=duration, metavar="TIME", help="waits no longer, as 10m; the run goes on")


def _logs(parser: Parser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="goes on as it is written")
    parser.add_argument("--run", metavar="ID", help="of this run")
    parser.add_argument("--stored", action="store_true", help="as it is in the store, through the REST shim")
    parser.add_argument("--timestamps", action="store_true", help="with the time of each line")


def _schedule(parser: Parser, add: Callable[..., Parser]) -> None:
    inner = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser, required=True)
    parser.commands = inner.choices
    next_ = add("next", "the next times of a WebJob, or of an expression in quotes", typed=False, into=inner)
    next_.add_argument("what", nargs="+", metavar="NAME|EXPRESSION", help="'0 */5 * * * *': six fields, seconds first")
    next_.add_argument("-c", "--count", type=natural, default=5, metavar="N", help="so many (default: 5)")
    next_.add_argument(
        "--time-zone", metavar="ZONE", help="IANA or Windows name (default: of the job, of the site, UTC)"
    )
    next_.add_argument("--after", type=moment, metavar="TIME", help="after this time (default: now)")


def _import(parser: Parser) -> None:
    parser.add_argument("source", nargs="?", metavar="FOLDER|ZIP", help="a wwwroot, or its App_Data/jobs")
    parser.add_argument("--from-url", metavar="URL", help="a site that runs: https://NAME.scm.azurewebsites.net")
    parser.add_argument("--from-user", metavar="USER", help="its user (WEBJOBS_SOURCE_USER)")
    parser.add_argument("--from-password", metavar="PASSWORD", help="its password (WEBJOBS_SOURCE_PASSWORD is better)")
    parser.add_argument("--from-token", metavar="TOKEN", help="a bearer token instead (WEBJOBS_SOURCE_TOKEN)")
    target = parser.add_mutually_exclusive_group()
    parser.words += [
        target.add_argument(
            "--to-url", metavar="URL", help="into a site of the REST shim (default: --url, WEBJOBS_URL)"
        ),
        target.add_argument("--to-folder", metavar="DIR", help="into manifests and packages in a folder"),
        target.add_argument("--apply", action="store_true", help="into the namespace, what fits into manifests"),
    ]
    parser.add_argument("--job", action="append", metavar="NAME", help="only this job; may be repeated")
    parser.add_argument("--settings", action="store_true", help="the site's settings for WebJobs, too")
    parser.add_argument("--all-settings", action="store_true", help="all app settings, which can hold secrets")
    parser.add_argument("--dry-run", action="store_true", help="only shows what would be done")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command line.

    Raises UsageError; SystemExit for --help.
    """
    words, extra = list(arguments), None
    if "--" in words:
        at = words.index("--")
        words, extra = words[:at], words[at + 1 :]
    parser = build()
    options, unknown = parser.parse_known_args(words)
    if unknown:
        # argparse leaves them to the parser at the top, whose help does not have the options of commands.
        for name in (options.command or "", getattr(options, "verb", "")):
            parser = parser.commands.get(name, parser)
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    for key, value in _DEFAULTS.items():
        if not hasattr(options, key):
            setattr(options, key, value)
    if extra is not None and options.command != "run":
        raise UsageError("Words after -- are for 'run' only.")
    options.arguments = extra or []
    return options
