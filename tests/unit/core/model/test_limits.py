"""Limits of an administrator: which images and accounts a pattern means."""

from __future__ import annotations

import pytest

from webjobs.model.limits import Limits, full_name


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("python", "docker.io/library/python"),
        ("python:3.13", "docker.io/library/python:3.13"),
        ("docker.io/python:3.13", "docker.io/library/python:3.13"),
        ("team/tool@sha256:ab", "docker.io/team/tool@sha256:ab"),
        ("docker.io/team/tool", "docker.io/team/tool"),
        ("docker.io/*", "docker.io/*"),
        ("localhost/a", "localhost/a"),
        ("registry:5000/a", "registry:5000/a"),
        ("python.example.com/a", "python.example.com/a"),
        ("*.example.com/*", "*.example.com/*"),
    ],
)
def test_names_of_images_as_runtimes_read_them(name: str, whole: str) -> None:
    assert full_name(name) == whole


@pytest.mark.parametrize(
    ("pattern", "image", "allowed"),
    [
        ("registry.example.com/*", "registry.example.com/team/tool:1", True),
        ("registry.example.com/*", "registry.example.com.evil.net/tool", False),
        ("registry.example.com/*", "tool", False),
        ("docker.io/library/*", "python:3.13", True),
        ("python*", "python.evil.net/x", False),
        ("python:*", "docker.io/library/python:3.13", True),
        ("team/*", "docker.io/team/tool", True),
        ("team/*", "team.evil.net/tool", False),
        ("docker.io/*", "team/tool", True),
        ("registry.example.com/tool:1", "registry.example.com/tool:1", True),
        ("registry.example.com/tool:1", "registry.example.com/tool:10", False),
        ("*", "whatever/it:is", True),
        ("registry.example.com/*", "", False),
    ],
)
def test_images(pattern: str, image: str, allowed: bool) -> None:
    said = Limits(images=[pattern]).refusal_of_image(image)
    assert (said is None) == allowed
    assert said is None or (repr(image) in said and "limits.images" in said and pattern in said)


def test_images_of_the_installation_are_allowed() -> None:
    limits = Limits(images=["registry.example.com/*"], own_images=["own:1"])
    assert limits.refusal_of_image("own:1") is None
    assert limits.refusal_of_image("own:2")


def test_nothing_said_is_nothing_refused() -> None:
    limits = Limits()
    assert limits.refusal_of_image("x") is limits.refusal_of_account("x") is None
    assert not limits.concern_pods


def test_accounts() -> None:
    limits = Limits(service_accounts=["job-*", "web"])
    assert limits.refusal_of_account("job-1") is limits.refusal_of_account("web") is None
    said = limits.refusal_of_account("webjobs-operator")
    assert said
    assert "'webjobs-operator' is not allowed here. limits.serviceAccounts of the chart allows job-*, web." in said
