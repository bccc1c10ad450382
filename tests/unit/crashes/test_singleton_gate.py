"""The count of writes by which the crash matrix of a cluster kills."""

from __future__ import annotations

from tests.full.counting import Fault, Gate


def struck(gate: Gate, *names: str) -> list[bool]:
    """Which of several writes that mention a job strike."""
    return [gate.strikes(f"PATCH {name}", mentions=lambda armed, name=name: armed in name) for name in names]  # type: ignore[misc]


def gates(number: int, fault: Fault = "dies") -> tuple[Gate, list[str]]:
    killed: list[str] = []
    gate = Gate(kill=lambda: killed.append("killed"))
    gate.arm("job", number=number, fault=fault)
    return gate, killed


def test_the_write_with_the_number_strikes_and_no_other() -> None:
    gate, killed = gates(2)
    assert struck(gate, "job", "other", "job", "job") == [False, False, True, False]
    assert (killed, gate.happened) == (["killed"], "PATCH job")
    assert gate.writes == ["PATCH job"] * 3
    assert [text for _, text in gate.all] == ["PATCH job", "PATCH other", "PATCH job", "PATCH job"]


def test_a_lost_answer_kills_nobody() -> None:
    gate, killed = gates(1, "loses")
    assert struck(gate, "job", "job") == [True, False]
    assert killed == []


def test_without_a_number_or_a_case_nothing_strikes() -> None:
    gate, killed = gates(0)
    assert struck(gate, "job") == [False]
    gate.arm("job", number=1)
    gate.disarm()
    assert struck(gate, "job") == [False]
    assert (killed, gate.happened, gate.writes) == ([], None, [])
