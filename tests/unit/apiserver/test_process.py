"""Settings and logging of the process."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from webjobs_apiserver import config
from webjobs_apiserver.__main__ import PathOnly

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


@pytest.mark.parametrize(
    ("path", "status", "logged"),
    [
        ("/api/webjobs?arguments=secret", 200, '1.2.3.4:5 - "GET /api/webjobs HTTP/1.1" 200'),
        ("/healthz", 200, None),
        ("/readyz", 503, '1.2.3.4:5 - "GET /readyz HTTP/1.1" 503'),
    ],
)
def test_the_access_log_has_no_queries(path: str, status: int, logged: str | None) -> None:
    record = logging.LogRecord(
        "uvicorn.access",
        logging.INFO,
        "",
        0,
        '%s - "%s %s HTTP/%s" %d',
        ("1.2.3.4:5", "GET", path, "1.1", status),
        None,
    )
    assert (record.getMessage() if PathOnly().filter(record) else None) == logged
