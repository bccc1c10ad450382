"""Keys of settings.job that pick a runtime: what is taken, and what a person reads about the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from webjobs.model.runtime_settings import BadSetting, RuntimeSettings, quantity, read


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, RuntimeSettings()),
        ({"image": None, "command": None, "cpu": None, "memory": None, "other": 1}, RuntimeSettings()),
        ({"image": "python:3.13-slim"}, RuntimeSettings(image="python:3.13-slim")),
        ({"command": ["python3", "a b.py", ""]}, RuntimeSettings(command=("python3", "a b.py", ""))),
        (
            {"command": "python3 -X dev 'a b.py' $HOME"},
            RuntimeSettings(command=("python3", "-X", "dev", "a b.py", "$HOME")),
        ),
        ({"cpu": "500m"}, RuntimeSettings(cpu="500m")),
        ({"cpu": 2}, RuntimeSettings(cpu="2")),
        ({"cpu": 0.5}, RuntimeSettings(cpu="0.5")),
        ({"memory": "256Mi"}, RuntimeSettings(memory="256Mi")),
        ({"memory": 268435456}, RuntimeSettings(memory="268435456")),
    ],
)
def test_read(settings: dict[str, Any], expected: RuntimeSettings) -> None:
    assert read(settings) == expected


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"image": 5}, "such as"),
        ({"image": ""}, "such as"),
        ({"image": "two words"}, "such as"),
        ({"image": "x" * 1025}, "such as"),
        ({"command": ""}, "list of words"),
        ({"command": []}, "list of words"),
        ({"command": ["", "x"]}, "list of words"),
        ({"command": ["run", 5]}, "list of words"),
        ({"command": ["a\0b"]}, "list of words"),
        ({"command": {"a": "b"}}, "list of words"),
        ({"command": ["x"] * 257}, "list of words"),
        ({"cpu": "half"}, "500m"),
        ({"cpu": True}, "500m"),
        ({"cpu": 0}, "500m"),
        ({"cpu": "-1"}, "500m"),
        ({"cpu": "0.0001"}, "500m"),
        ({"cpu": ["1"]}, "500m"),
        ({"cpu": "1 "}, "500m"),
        ({"cpu": "9E"}, "500m"),
        ({"memory": "256MB"}, "256Mi"),
        ({"memory": "512m"}, "256Mi"),
        ({"memory": 256}, "256Mi"),
        ({"memory": "1e99"}, "256Mi"),
        ({"memory": "٣Gi"}, "256Mi"),
    ],
)
def test_a_key_that_cant_be_used_is_named(settings: dict[str, Any], advice: str) -> None:
    (key,) = settings
    with pytest.raises(BadSetting, match=f"^settings.job: {key} can't be .*{advice}.*\\.$") as caught:
        read(settings)
    assert len(str(caught.value)) < 250, "a condition's message"
    assert read(settings, ignored=frozenset({key})) == RuntimeSettings()


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1", "1"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("1.", "1"),
        ("100m", "0.1"),
        ("1k", "1000"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1E", "1000000000000000000"),
        ("1Ei", "1152921504606846976"),
        ("1e3", "1000"),
        ("1E-2", "0.01"),
        (7, "7"),
        (1e-05, "0.00001"),
    ],
)
def test_quantity(value: object, number: str) -> None:
    assert quantity(value) == Decimal(number)


@pytest.mark.parametrize(
    "value", ["", ".", "1K", "1mi", "1MiB", "1 Mi", "+1", "Mi", "1e", "1" * 19, None, {}, float("inf")]
)
def test_no_quantity(value: object) -> None:
    assert quantity(value) is None
