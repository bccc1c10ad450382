"""Which content of a site a Secret names."""

from __future__ import annotations

from typing import Any

import pytest

from webjobs.model.site.site_content import ANNOTATION, SiteContent, content_of, secret_with

CONTENT = SiteContent(digest="sha256:" + "cd" * 32, size=7, files=1)


def secret(annotations: dict[str, str] | None = None) -> dict[str, Any]:
    return {"metadata": {"name": "webjobs-settings", "annotations": annotations}, "data": {"A": "Yg=="}}


def test_what_is_put_is_found() -> None:
    made = secret_with(secret({"mine": "stays"}), CONTENT)
    assert content_of(made) == CONTENT
    assert made["metadata"]["annotations"]["mine"] == "stays"
    assert made["data"] == {"A": "Yg=="}


@pytest.mark.parametrize(
    "there",
    [
        None,
        secret(),
        secret({}),
        secret({ANNOTATION: ""}),
        secret({ANNOTATION: "[]"}),
        secret({ANNOTATION: '{"digest": "../../other", "size": 1, "files": 1}'}),
        secret({ANNOTATION: CONTENT.model_dump_json()[:-1] + ', "url": "https://elsewhere"}'}),
        secret_with(secret(), CONTENT.model_copy(update={"files": 0})),
    ],
)
def test_what_names_no_content(there: dict[str, Any] | None) -> None:
    assert content_of(there) is None
