"""The image for what a package needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.runtimes.images import Combined, Offer, Picked, pick
from webjobs.runtimes.needs import Need, numbers, ordered
from webjobs.runtimes.programs import Problem

OFFERS = {
    "dotnet": Offer(
        image="dn:8", versions={"6.0": "dn:6", "8.0": "dn:8", "9.0": "dn:9", "10.0": "dn:10", "9.2": "dn:9.2"}
    ),
    "aspnet": Offer(image="asp:8"),
    "js": Offer(image="node:22", versions={"18": "node:18", "20": "node:20", "22": "node:22"}),
    "py": Offer(image="py:3.12", versions={"3.8": "py:3.8", "3.10": "py:3.10", "3.12": "py:3.12", "3.13": "py:3.13"}),
    "php": Offer(image="php:8.3", versions={"7.4": "php:7.4", "8.1": "php:8.1", "8.3": "php:8.3", "8.4": ""}),
    "jar": Offer(image="java:21", versions={"8": "java:8", "17": "java:17", "21": "java:21"}),
    "sh": Offer(image="sh"),
}
COMBINED = (
    Combined(runtimes=("aspnet", "js", "tools"), image="all"),
    Combined(runtimes=("py", "php"), image="py-php"),
)


Wish = tuple[Need, ...]


def wish(runtime: str, version: str | None = None, also: Wish = ()) -> Wish:
    """The needs of a package."""
    return (Need(runtime=runtime, version=version), *also)


def picked(needs: Wish) -> Picked:
    found = pick(needs, OFFERS, COMBINED)
    assert isinstance(found, Picked)
    return found


@pytest.mark.parametrize(
    ("runtime", "version", "image", "key", "noted"),
    [
        pytest.param("dotnet", "8.0.0", "dn:8", "8.0", False, id="the version"),
        pytest.param("dotnet", "8.0.99", "dn:8", "8.0", False, id="patch does not count"),
        pytest.param("dotnet", "9.0.1", "dn:9", "9.0", False, id="lower minor first"),
        pytest.param("dotnet", "9.1.0", "dn:9.2", "9.2", False, id="next minor"),
        pytest.param("dotnet", "7.0.0", "dn:8", "8.0", True, id="next major"),
        pytest.param("dotnet", "9.3.0", "dn:10", "10.0", True, id="ten is higher than nine"),
        pytest.param("dotnet", "3.1.0", "dn:6", "6.0", True, id="the lowest higher one"),
        pytest.param("dotnet", "8", "dn:8", "8.0", False, id="major alone"),
        pytest.param("dotnet", "10.0.0-rc.1.25451.107", "dn:10", "10.0", False, id="candidate"),
        pytest.param("dotnet", None, "dn:8", None, False, id="dotnet, any"),
        pytest.param("aspnet", "6.0.0", "asp:8", None, False, id="pinned"),
        pytest.param("js", "20", "node:20", "20", False, id="node"),
        pytest.param("js", "20.11.1", "node:20", "20", False, id="node with patch"),
        pytest.param("js", "16", "node:22", None, True, id="node, not there"),
        pytest.param("js", None, "node:22", None, False, id="node, any"),
        pytest.param("py", "3.10", "py:3.10", "3.10", False, id="python"),
        pytest.param("py", "3.9", "py:3.10", "3.10", True, id="python, next minor"),
        pytest.param("py", "3.14", "py:3.12", None, True, id="python, none higher"),
        pytest.param("py", "2.7", "py:3.12", None, True, id="python 2"),
        pytest.param("py", "3", "py:3.12", "3.12", False, id="python, the default of the major"),
        pytest.param("php", "7", "php:7.4", "7.4", False, id="php, major"),
        pytest.param("php", "8.2", "php:8.3", "8.3", True, id="php, next minor"),
        pytest.param("php", "8.4", "php:8.3", None, True, id="php, entry without image"),
        pytest.param("jar", "11", "java:21", None, True, id="java"),
        pytest.param("jar", "8", "java:8", "8", False, id="java 8"),
        pytest.param("sh", None, "sh", None, False, id="sh"),
        pytest.param("js", "junk", "node:22", None, False, id="junk"),
    ],
)
def test_pick(runtime: str, version: str | None, image: str, key: str | None, noted: bool) -> None:
    found = picked(wish(runtime=runtime, version=version))
    assert (found.image, found.version) == (image, key)
    assert found.environment == ({"DOTNET_ROLL_FORWARD": "Major"} if runtime in ("dotnet", "aspnet") else {})
    assert (found.note is not None) == noted
    if found.note:
        assert f" {version} is asked for" in found.note
        assert f"runtimes.{runtime}.versions" in found.note


@pytest.mark.parametrize(
    ("needs", "reason", "says"),
    [
        pytest.param(wish(runtime="dotnet", version="11.0.0"), "NoRuntimeVersion", ".NET 11.0.0", id="too new"),
        pytest.param(wish(runtime="mono"), "NoRuntime", "runtimes.mono.image", id="no entry"),
        pytest.param(
            wish(runtime="dotnet", also=(Need(runtime="py"),)),
            "NoCombinedImage",
            "runtimes: [dotnet, py]",
            id="combined",
        ),
    ],
)
def test_problems(needs: Wish, reason: str, says: str) -> None:
    found = pick(needs, OFFERS, COMBINED)
    assert isinstance(found, Problem)
    assert found.reason == reason
    assert says in found.message


@pytest.mark.parametrize(
    ("runtime", "also", "image", "forward"),
    [
        pytest.param("dotnet", ("js",), "all", True, id="aspnet has dotnet"),
        pytest.param("aspnet", ("js", "tools"), "all", True, id="three"),
        pytest.param("php", ("py", "sh"), "py-php", False, id="any has a shell"),
        pytest.param("js", ("js",), "node:22", False, id="one in truth"),
    ],
)
def test_combined(runtime: str, also: tuple[str, ...], image: str, forward: bool) -> None:
    found = picked(wish(runtime=runtime, also=tuple(Need(runtime=key) for key in also)))
    assert (found.image, bool(found.environment)) == (image, forward)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, ("sh",)),
        ({"tools": None, "js": None, "dotnet": None}, ("dotnet", "js", "tools")),
        ({"sh": None, "py": None}, ("py",)),
        ({"aspnet": None, "dotnet": None}, ("aspnet",)),
        ({"zig": None, "ada": None, "py": None}, ("py", "ada", "zig")),
    ],
)
def test_ordered(found: dict[str, str | None], expected: tuple[str, ...]) -> None:
    assert tuple(need.runtime for need in ordered(found)) == expected


def test_the_newest_dotnet_counts() -> None:
    assert ordered({"aspnet": "8.0.0", "dotnet": "10.0.0"}) == (Need(runtime="aspnet", version="10.0.0"),)


@given(st.text(alphabet="0123456789.-xv²") | st.none())
def test_any_version_has_an_image_or_a_problem(version: str | None) -> None:
    assert all(number >= 0 for number in numbers(version))
    for runtime in OFFERS:
        found = pick(wish(runtime=runtime, version=version), OFFERS)
        assert isinstance(found, Problem) or found.image
