"""TLS on a loopback port: renewal without a restart, and what stays in clear."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.fakes.shim import PASSWORD, USER, Shim
from webjobs_apiserver.__main__ import serve_tls
from webjobs_apiserver.config import TlsConfig
from webjobs_apiserver.tls import InClear, reload_on_change


def _certificate(directory: Path, name: str) -> None:
    """A self-signed pair for 127.0.0.1, put there at once as a mounted Secret changes."""
    new = directory / "new"
    new.mkdir()
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(new / "tls.key"), "-out", str(new / "tls.crt")]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *key, "-days", "2", *subject, *files], check=True, capture_output=True)
    for file in ("tls.key", "tls.crt"):
        os.replace(new / file, directory / file)
    new.rmdir()


async def test_in_clear_there_is_only_what_pods_ask(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "webjobs_apiserver.http.access_log")
    transport = httpx.ASGITransport(InClear(one.app))
    async with httpx.AsyncClient(transport=transport, base_url="http://s", auth=(USER, PASSWORD)) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/internal/packages/site/x")).status_code == 401
        for path in ("/api/webjobs", "/", "/internal"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (403, "Use https.")
            assert caplog.messages[-1] == f'127.0.0.1 - "GET {path} HTTP/1.1" 403'
    assert not one.kube.calls


async def test_renewal(tmp_path: Path) -> None:
    _certificate(tmp_path, "first")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    looks: list[str] = []

    async def sleep(seconds: float) -> None:
        looks.append(_shown(context, tmp_path))
        match len(looks):
            case 1:
                _certificate(tmp_path, "second")
            case 2:
                shutil.copy(certificate, tmp_path / "kept")
                certificate.write_text("broken")
            case 3:
                _certificate(tmp_path, "third")
            case 5:
                raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await reload_on_change(context, certificate=certificate, key=key, sleep=sleep)
    assert looks == ["first", "second", "second", "third", "third"]


def _shown(context: ssl.SSLContext, directory: Path) -> str:
    """Common name of the certificate that a new connection gets."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    ends = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = context.wrap_bio(ends[0], ends[1], server_side=True)
    client_side = client.wrap_bio(ends[1], ends[0])
    for side in (client_side, server_side) * 4:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    binary = client_side.getpeercert(binary_form=True)
    assert binary
    file = directory / "shown.der"
    file.write_bytes(binary)
    command = ["openssl", "x509", "-inform", "der", "-in", str(file), "-noout", "-subject"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip().rpartition("=")[2].strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_both_ports(one: Shim, tmp_path: Path) -> None:
    _certificate(tmp_path, "own")
    tls = TlsConfig(directory=tmp_path, port=_free_port())
    config = one.config.model_copy(update={"host": "127.0.0.1", "port": _free_port(), "tls": tls})
    task = asyncio.create_task(serve_tls(one.app, config=config, tls=tls))
    trusted = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
    async with httpx.AsyncClient(verify=trusted, auth=httpx.BasicAuth(USER.encode(), PASSWORD.encode())) as client:
        secure, clear = f"https://127.0.0.1:{tls.port}", f"http://127.0.0.1:{config.port}"
        async with asyncio.timeout(20):
            for base in (secure, clear):
                while not await _up(client, f"{base}/readyz"):  # noqa: ASYNC110
                    await asyncio.sleep(0)
        assert (await client.get(f"{secure}/api/webjobs")).status_code == 200
        assert (await client.get(f"{clear}/api/webjobs")).status_code == 403
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _up(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False
