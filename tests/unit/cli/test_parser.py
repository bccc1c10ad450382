"""The command line as it is read, where it leads, and what a shell is offered."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cluster.paths import repo_root
from webjobs_cli import address, completion, parser
from webjobs_cli.__main__ import _COMMANDS, _command, kubectl_complete
from webjobs_cli.address import SOURCE
from webjobs_cli.commands.schedules import is_expression
from webjobs_cli.errors import UsageError

NAMES = ["alpha", "alpine", "My Job"]


@pytest.mark.parametrize(
    "words", ["-n x list -o json", "list -n x -o json", "list --namespace=x --output=json", "-o json list -n x"]
)
def test_options_stand_before_and_after_the_command(words: str) -> None:
    options = parser.parse(words.split())
    assert (options.command, options.namespace, options.output) == ("list", "x", "json")
    assert options.url is None


def test_words_after_the_dashes_are_the_run_s() -> None:
    options = parser.parse(["run", "job", "--wait", "--", "-n", "--", "a b"])
    assert (options.name, options.wait, options.arguments) == ("job", True, ["-n", "--", "a b"])
    assert parser.parse(["run", "job"]).arguments == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["frob"], "invalid choice: 'frob'"),
        (["list", "--frob"], "Unrecognized arguments: --frob"),
        (["list", "--names"], "Unrecognized arguments: --names"),  # no abbreviations
        (["run"], "required: NAME"),
        (["schedule"], "required: VERB"),
        (["list", "-o", "xml"], "invalid choice: 'xml'"),
        (["run", "x", "--timeout", "soon"], "'soon' is no duration: write 30s, 5m or 1h30m"),
        (["history", "x", "--limit", "-1"], "'-1' is no number from 1 on"),
        (["history", "x", "--limit", "0"], "'0' is no number from 1 on"),
        (["schedule", "next", "x", "--after", "noon"], "'noon' is no time"),
        (["import", "x", "--apply", "--to-folder", "y"], "not allowed with"),
        (["list", "--"], "Words after -- are for 'run' only."),
    ],
)
def test_usage(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as told:
        parser.parse(words)
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("--frob", ""),
        ("list --frob", " list"),
        ("--frob list", " list"),
        ("-n x show job more", " show"),
        ("schedule next job --frob", " schedule next"),
        ("schedule --frob", " schedule"),
        ("list -o xml", " list"),
    ],
)
def test_errors_name_the_help_of_their_command(words: str, command: str) -> None:
    with pytest.raises(UsageError) as told:
        parser.parse(words.split())
    assert str(told.value).endswith(f" 'kubectl webjob{command} --help' shows how it goes.")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90", timedelta(seconds=90)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("1h0m5s", timedelta(seconds=3605)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert parser.duration(text) == length


def test_moments() -> None:
    assert parser.moment("2026-03-29T02:30:00") == datetime(2026, 3, 29, 2, 30, tzinfo=UTC)
    assert parser.moment("2026-03-29T02:30:00+02:00") == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        (["0 0 3 * * *"], True),
        (["0", "0", "3", "*", "*", "*"], True),
        (["0 3 * * *"], True),  # five fields: told so
        (["report"], False),
        (["My Report"], False),
        (["2 reports of may"], False),
    ],
)
def test_what_is_an_expression(words: list[str], is_one: bool) -> None:
    assert is_expression(words) is is_one


def test_every_command_has_a_module() -> None:
    assert set(parser.build().commands) - {"completion"} == set(_COMMANDS)
    assert all(callable(_command(name)) for name in _COMMANDS)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["doctor", "--rel"], ["--release-namespace"]),
        (["st"], ["start", "stop"]),
        (["-n", "x", "st"], ["start", "stop"]),
        (["-n", ""], []),
        (["list", "-o", "j"], ["json"]),
        (["list", "--output", ""], ["table", "wide", "json", "yaml", "name"]),
        (["list", "--t"], ["--token", "--type"]),
        (["show", "al"], ["alpha", "alpine"]),
        (["show", "-n", "x", "al"], ["alpha", "alpine"]),
        (["show", "alpha", ""], []),
        (["push", "alpha", ""], []),  # a file
        (["schedule", ""], ["next"]),
        (["schedule", "next", "My"], ["My Job"]),
        (["run", "alpha", "--", ""], []),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["pub"], ["publish-profile"]),
        (["publish-profile", ""], []),  # a file
        (["publish-profile", "--h"], ["--help", "--host"]),
        (["frob", ""], None),
    ],
)
def test_completion(words: list[str], offered: list[str] | None) -> None:
    found = completion.candidates(parser.build(), words, names=lambda before: NAMES)
    if offered is not None:
        assert found == offered


def test_completion_knows_every_option_that_the_help_shows() -> None:
    top = parser.build()
    for place in (top, *top.commands.values(), *top.commands["schedule"].commands.values()):
        shown = re.findall(r"(?:\[|\| )(-[^\s\]]+)", place.format_usage())
        known = {name for word in place.words for name in word.option_strings}
        assert {"-h", "-n", "-o"} <= set(shown) <= known, place.prog


@pytest.mark.parametrize(
    ("words", "is_file"),
    [
        (["push", "a", ""], True),
        (["-n", "x", "push", "a", ""], True),
        (["push", "-n", "x", "a", "b"], True),
        (["push", ""], False),  # a job
        (["push", "a", "b", ""], False),
        (["import", ""], True),
        (["import", "--to-folder", ""], True),
        (["import", "--job", ""], False),
        (["--kubeconfig", ""], True),
        (["publish-profile", ""], True),
        (["publish-profile", "--host", ""], False),
        (["list", "-n", ""], False),
        (["run", "push", ""], False),
        (["run", "a", "--", "--kubeconfig", ""], False),
        ([], False),
    ],
)
def test_kubectl_completes_files_where_they_are_meant(
    words: list[str], is_file: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webjobs_cli.__main__._names", lambda before: [])
    monkeypatch.setattr("sys.argv", ["kubectl_complete-webjob", *words])
    assert kubectl_complete() == 0
    assert capsys.readouterr().out.splitlines()[-1] == (":0" if is_file else ":4")


ADDRESSES: list[tuple[dict[str, Any], dict[str, str], str, str]] = [
    ({"url": "https://h"}, {"WEBJOBS_USER": "u", "WEBJOBS_PASSWORD": "p"}, "https://h", "Basic dTpw"),
    ({"url": "h/"}, {"WEBJOBS_TOKEN": "t0ken"}, "https://h", "Bearer t0ken"),
    ({"url": "http://u:p%40@[::1]:8080/x/"}, {}, "http://[::1]:8080/x", "Basic dTpwQA=="),
    ({"url": "https://h", "user": "a", "password": "b"}, {"WEBJOBS_TOKEN": "t0ken"}, "https://h", "Basic YTpi"),
    (
        {"url": "https://h", "token": "t0ken"},
        {"WEBJOBS_USER": "u", "WEBJOBS_PASSWORD": "p"},
        "https://h",
        "Bearer t0ken",
    ),
]


@pytest.mark.parametrize(("given", "environ", "url", "authorization"), ADDRESSES)
def test_address(given: dict[str, Any], environ: dict[str, str], url: str, authorization: str) -> None:
    flags: dict[str, Any] = {name: given.get(name) for name in ("url", "user", "password", "token")}
    found = address.read(**flags, environ=environ)
    assert (found.url, found.authorization) == (url, authorization)
    assert authorization.split()[1] not in repr(found)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (None, "give its address by --url or WEBJOBS_URL"),
        ("ftp://h", "must be like https://host"),
        ("https://h?x=1", "must be like https://host"),
        ("https://h:port", "can't be used"),
        ("https://", "must be like https://host"),
        ("https://h", "Credentials for https://h are missing: set WEBJOBS_USER and WEBJOBS_PASSWORD, or WEBJOBS_TOKEN"),
        ("https://only@h", "Credentials for https://h are missing"),
    ],
)
def test_bad_addresses(url: str | None, message: str) -> None:
    with pytest.raises(UsageError) as told:
        address.read(url=url, user=None, password=None, token=None, environ={})
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("url", "in_clear"),
    [
        ("https://h", False),
        ("http://localhost:8080", False),
        ("http://127.0.0.1", False),
        ("http://[::1]", False),
        ("http://h", True),
        ("http://10.0.0.1", True),
    ],
)
def test_passwords_in_clear_are_told_of(url: str, in_clear: bool) -> None:
    found = address.read(url=url, user="u", password="p", token=None, environ={}, names=SOURCE)  # noqa: S106
    assert found.in_clear is in_clear


def test_the_docs_know_every_command() -> None:
    docs = (repo_root() / "docs/cli.md").read_text()
    for name in parser.build().commands:
        assert f"`{name}" in docs, name
