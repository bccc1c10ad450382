"""A site as a cloud of its own for the real Azure CLI."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests import azurecli
from tests import stack as stacks
from tests.conformance.tls import certificate
from tests.site import Site
from webjobs_apiserver.arm.login import NO_ID

TLS = "webjobs-test-az"
WHERE_SITE = ("--resource-group", "any-group", "--name", stacks.SITE)


@dataclass(frozen=True, kw_only=True)
class Az:
    """The CLI with a configuration of its own."""

    program: Path
    environment: Mapping[str, str]

    def __call__(self, *words: str) -> Any:
        """What a command prints; AssertionError when it fails."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command as it ended: exit code, output and errors, also when it failed."""
        command = [str(self.program), *words, "--output", "json"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on, and is ended at the end; its output is of one stream."""
        with subprocess.Popen(
            [str(self.program), *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def webjob(self, kind: str, verb: str, name: str = "") -> Any:
        """A command on WebJobs of the site."""
        return self(*words(kind, verb, name))


def words(kind: str, verb: str, name: str = "", *, site: str = stacks.SITE) -> list[str]:
    """A command line."""
    job = ["--webjob-name", name] if name else []
    return ["webapp", "webjob", kind, verb, "--resource-group", "any-group", "--name", site, *job]


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """The site under https, as the CLI wants it."""

    address: str
    certificate: Path

    def login(self, folder: Path, user: str, password: str) -> Az:
        """The CLI with an account of the site. It trusts the certificate that the shim shows."""
        unwanted = {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}
        environment = {name: value for name, value in os.environ.items() if name not in unwanted}
        environment |= {
            "AZURE_CONFIG_DIR": str(folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "REQUESTS_CA_BUNDLE": str(self.certificate),
            "SSL_CERT_FILE": str(self.certificate),  # the first request of "log tail" knows no other
            "PYTHONUNBUFFERED": "1",
        }
        made = Az(program=azurecli.install(), environment=environment)
        made("cloud", "register", "--name", "webjobs", "--endpoint-resource-manager", f"{self.address}/")
        made("cloud", "set", "--name", "webjobs")
        login = ["--username", user, "--password", password]
        (account,) = made("login", "--service-principal", "--tenant", NO_ID, *login)
        assert (account["state"], account["name"]) == ("Enabled", stacks.SITE)
        return made


@contextmanager
def cloud(site: Site, folder: Path, *, credentials: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Cloud]:
    """The chart with TLS and with more credentials, and without them ``after``."""
    parts = urlsplit(site.stack.url)
    cert, key = certificate(folder, parts.hostname or "")
    secret: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
    secret["metadata"] = {"name": TLS, "namespace": stacks.SYSTEM}
    secret["stringData"] = {"tls.crt": cert.read_text(), "tls.key": key.read_text()}
    stacks.apply(site.stack.kubeconfig, secret)
    stacks.upgrade(site.stack, {"apiserver": {"tls": {"secretName": TLS}}, "credentials": dict(credentials)})
    yield Cloud(address=f"https://{parts.netloc}", certificate=cert)
    stacks.upgrade(site.stack, {"apiserver": {"tls": {"secretName": ""}}, "credentials": dict(after)})
    site.kubectl("delete", "secret", TLS, namespace=stacks.SYSTEM)
