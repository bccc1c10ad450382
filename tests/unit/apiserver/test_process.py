"""Settings of the process."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from webjobs_apiserver import config

MINIMAL = "namespace: site\nstoreUrl: memory:///\ncredentialsDirectory: /credentials\n"


def test_settings(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(MINIMAL + "limits: {uploadBytes: 5}\nforwardedAllowIps: ['*']\n")
    read = config.load(file)
    assert (read.namespace, read.port, read.limits.upload_bytes, read.limits.files) == ("site", 8080, 5, 10_000)
    assert read.credentials_directory == Path("/credentials")


@pytest.mark.parametrize(
    "more",
    [
        "typo: 1",
        "limits: {files: 0}",
        "port: 70000",
        "forwardedAllowIps: [proxy]",
        "sites: [{namespace: a}]",
        "sites: [{namespace: site, host: a}]",
        "sites: [{namespace: a, host: x}, {namespace: b, host: X.}]",
    ],
)
def test_wrong_settings(tmp_path: Path, more: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(MINIMAL + more)
    with pytest.raises(ValidationError, match=more.partition(":")[0]):
        config.load(file)
