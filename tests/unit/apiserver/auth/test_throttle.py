"""Guessers are slowed, and hold up nobody who has been right before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.fakes.shim import PASSWORD, USER, Shim, shim
from webjobs_apiserver.auth import throttle
from webjobs_apiserver.auth.credentials import Accounts
from webjobs_apiserver.auth.headers import Basic
from webjobs_apiserver.auth.proven import Proven
from webjobs_apiserver.auth.throttle import BURST, SPARE, Key, Throttle
from webjobs_apiserver.http.addresses import address_key

LIST = "/api/webjobs"
LOGIN = "/adfs/oauth2/token"


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        yield made


async def guesses(one: Shim, number: int, *, address: str = "6.6.6.6") -> list[int]:
    """Statuses of the answers to different wrong passwords."""
    found = []
    for guess in range(number):
        async with one.client(auth=(USER, f"guess{guess}"), address=address) as guesser:
            found.append((await guesser.get(LIST)).status_code)
    return found


async def test_a_guesser_has_to_wait(one: Shim) -> None:
    assert await guesses(one, 50) == [401] * (BURST + SPARE) + [429] * (50 - BURST - SPARE)
    async with one.client(auth=(USER, "guess"), address="6.6.6.6") as guesser:
        told = await guesser.get(LIST)
        assert told.headers["retry-after"] == "3"
        assert told.headers["content-type"].startswith("text/plain")
    async with one.client(address="7.7.7.7") as other:
        assert (await other.get(LIST)).status_code == 200
    one.pass_time(seconds=60)
    assert (await guesses(one, 30)).count(401) == 20 + SPARE, "what is free comes back by time"


async def test_a_guesser_tries_a_right_password_no_faster(one: Shim) -> None:
    """Also when somebody uses it elsewhere: else all guesses would be free."""
    async with one.client(address="7.7.7.7") as owner:
        assert (await owner.get(LIST)).status_code == 200
    await guesses(one, 50)
    async with one.client(address="6.6.6.6") as lucky:
        answer = await lucky.get(LIST)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")


async def test_wrong_tries_do_not_hold_up_who_was_right_before(one: Shim) -> None:
    (one.directory / "readonlyUsername").write_text("looks")
    (one.directory / "readonlyPassword").write_text("reads")
    async with one.client(address="6.6.6.6") as owner, one.client(auth=("looks", "reads"), address="6.6.6.6") as reader:
        for client in (owner, reader):
            assert (await client.get(LIST)).status_code == 200
        for _ in range(10):
            await guesses(one, 50)
            for client in (owner, reader):
                assert (await client.get(LIST)).status_code == 200
            sent = {"grant_type": "client_credentials", "client_id": USER, "client_secret": PASSWORD}
            assert (await owner.post(LOGIN, data=sent)).status_code == 200, "by whatever way in"
        one.pass_time(days=30)
        await guesses(one, 50)
        assert (await owner.get(LIST)).status_code == 200


async def test_a_login_is_forgotten_when_the_password_changes(one: Shim) -> None:
    async with one.client(address="6.6.6.6") as owner:
        assert (await owner.get(LIST)).status_code == 200
        (one.directory / "new").write_text("another")
        os.replace(one.directory / "new", one.directory / "password")
        await guesses(one, 50)
        assert (await owner.get(LIST)).status_code == 429, "what was right is a guess as any"
    async with one.client(auth=(USER, "another"), address="6.6.6.6") as new:
        assert (await new.get(LIST)).status_code == 429
        one.pass_time(seconds=1)
        assert (await new.get(LIST)).status_code == 200


async def test_the_first_login_after_a_restart_gets_a_turn(one: Shim) -> None:
    """Nobody is known then, while a stranger at the same address goes on."""
    await guesses(one, 100)
    async with one.client(address="6.6.6.6") as owner:
        tries = 0
        for tries in range(1, 20):  # noqa: B007
            one.pass_time(seconds=1)
            status = (await owner.get(LIST)).status_code
            await guesses(one, 10)
            if status == 200:
                break
        assert tries == 1
        await guesses(one, 100)
        assert (await owner.get(LIST)).status_code == 200


async def test_tickets_never_wait(one: Shim) -> None:
    sent = {"grant_type": "client_credentials", "client_id": USER, "client_secret": PASSWORD}
    async with one.client(auth=None, address="7.7.7.7") as client:
        token = (await client.post(LOGIN, data=sent)).json()["access_token"]
    await guesses(one, 50)
    async with one.client(auth=None, address="6.6.6.6") as client:
        for _ in range(30):
            assert (await client.get(LIST, headers={"Authorization": f"Bearer {token}"})).status_code == 200
            assert (await client.get(LIST, headers={"Authorization": "Bearer webjobs.owner.1.0"})).status_code == 401


async def test_false_tokens_are_bad_tries_and_those_of_passwords_are_others(one: Shim) -> None:
    one.kube.users["true"] = "alice"
    one.kube.rights.add(("alice", "site", "list", "webjobs"))
    async with one.client(auth=None) as client, one.client() as owner:
        answers = [
            (await client.get(LIST, headers={"Authorization": f"Bearer f{number}"})).status_code for number in range(50)
        ]
        assert answers == [401] * (BURST + SPARE) + [429] * (50 - BURST - SPARE)
        assert sum(call.kind == "TokenReview" for call in one.kube.calls) == BURST + SPARE
        assert (await owner.get(LIST)).status_code == 200
        one.pass_time(seconds=1)
        right = {"Authorization": "Bearer true"}
        assert (await client.get(LIST, headers=right)).status_code == 200
        for number in range(50):
            await client.get(LIST, headers={"Authorization": f"Bearer g{number}"})
        one.pass_time(seconds=0.5)
        for _ in range(30):
            assert (await client.get(LIST, headers=right)).status_code == 200
        one.kube.users.clear()  # what was right ends as others do
        one.pass_time(seconds=11)
        assert (await client.get(LIST, headers=right)).status_code == 401


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_KEPT", 10)
    made = Throttle(clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for number in range(100):
        made.failed([Key(namespace="site", kind="password", address=str(number))])
    assert len(made._failed) == 10


@pytest.mark.parametrize(
    "other",
    [
        {"given": Basic(username=b"u", password=b"q")},
        {"given": Basic(username=b"up", password=b"")},
        {"namespace": "other"},
        {"address": "1.2.3.5"},
        {"accounts": Accounts.of({"username": b"u", "password": b"new"})},
        {"accounts": Accounts.of({"username": b"u", "password": b"p", "readonlyPassword": b"x"})},
    ],
)
def test_what_a_login_is_known_by(other: dict[str, object]) -> None:
    accounts = Accounts.of({"username": b"u", "password": b"p"})
    known = {
        "given": Basic(username=b"u", password=b"p"),
        "accounts": accounts,
        "namespace": "site",
        "address": "1.2.3.4",
    }
    proven = Proven()
    proven.add(proven.digest(**known))  # type: ignore[arg-type]
    assert proven.digest(**known) in proven  # type: ignore[arg-type]
    assert proven.digest(**(known | other)) not in proven  # type: ignore[arg-type]
    assert Proven().digest(**known) not in proven, "the key is the process's own"  # type: ignore[arg-type]


async def test_short_passwords_are_called_so(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    (one.directory / "readonlyUsername").write_text("looks")
    (one.directory / "readonlyPassword").write_text("fifteen letters")
    async with one.client() as client:
        for _ in range(3):
            await client.get(LIST)
    told = [record.getMessage() for record in caplog.records if record.name.endswith("credentials")]
    assert told == [f"{one.directory}: the password of the reader has less than 16 bytes and may be guessed"]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_addresses(address: str, key: str) -> None:
    assert address_key(address) == key
