"""What buckets are asked for by the URL and the environment; that they answer as they should is tested on S3 alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import obstore
import pytest

from webjobs.store import open_store


class _Nothing(HTTPServer):
    """Remembers requests and answers that there is no such object."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Nothing

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization", "")))
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def bucket() -> Iterator[_Nothing]:
    with _Nothing() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("url", "environment", "path", "credentials"),
    [
        pytest.param(
            "s3://bucket/pre/fix",
            {"AWS_ENDPOINT_URL": "{server}", "AWS_ALLOW_HTTP": "1", "AWS_ACCESS_KEY_ID": "me"}
            | {"AWS_SECRET_ACCESS_KEY": "x"},
            "/bucket/pre/fix/key",
            "AWS4-HMAC-SHA256 Credential=me/",
            id="s3",
        ),
        pytest.param(
            "az://container/pre/fix",
            {"AZURE_STORAGE_ENDPOINT": "{server}", "AZURE_ALLOW_HTTP": "yes", "AZURE_STORAGE_ACCOUNT_NAME": "me"}
            | {"AZURE_STORAGE_ACCOUNT_KEY": "a2V5"},
            "/container/pre/fix/key",
            "SharedKey me:",
            id="azure",
        ),
        pytest.param(
            "gs://bucket/pre/fix",
            {"GOOGLE_BASE_URL": "{server}", "GOOGLE_ALLOW_HTTP": "true", "GOOGLE_BEARER_TOKEN": "me"},
            "/bucket/pre%2Ffix%2Fkey",
            "Bearer me",
            id="gcs",
        ),
    ],
)
def test_a_url_and_its_environment(
    url: str,
    environment: dict[str, str],
    path: str,
    credentials: str,
    bucket: _Nothing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(server=f"http://127.0.0.1:{bucket.server_port}"))
    with pytest.raises(FileNotFoundError):
        obstore.get(open_store(url, silence=5), "key")
    ((asked, shown),) = bucket.seen
    assert asked == path
    assert shown.startswith(credentials)


def test_plain_http_has_to_be_allowed(bucket: _Nothing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{bucket.server_port}")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "false")
    with pytest.raises(obstore.exceptions.BaseError):
        obstore.get(open_store("s3://bucket", silence=1), "key")
    assert bucket.seen == []
