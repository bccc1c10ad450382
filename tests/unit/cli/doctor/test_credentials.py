"""Sites that nobody can log in to, and a shim that nobody reaches."""

from __future__ import annotations

import pytest

from tests.unit.cli.doctor.broken import Break, Broken
from tests.unit.cli.doctor.installed import FURTHER, SITE, SYSTEM, Installed
from webjobs_cli.doctor.checks import credentials, ways_in


def secret(name: str, namespace: str, **changes: str | None) -> Break:
    def do(kube: Installed) -> None:
        data = kube.at("Secret", name, namespace)["data"]
        for key, value in changes.items():
            data.pop(key, None)
            if value is not None:
                data[key] = value

    return do


OWN = "webjobs-credentials"
BROKEN = [
    Broken(
        name="the credentials of the default site are gone",
        by=lambda kube: kube.drop("Secret", OWN),
        check=credentials.check,
        what=f"site {SITE}: there is no Secret system/{OWN}",
        do="kubectl create secret generic",
    ),
    Broken(
        name="a further site without credentials",
        by=lambda kube: kube.drop("Secret", OWN, FURTHER),
        check=credentials.check,
        what=f"site {FURTHER}: there is no Secret {FURTHER}/{OWN}",
        do=f"-n {FURTHER}",
    ),
    Broken(
        name="credentials without a password",
        by=secret(OWN, SYSTEM, password=None),
        check=credentials.check,
        what="has no password, and nobody can log in",
        do="Add the key",
    ),
    Broken(
        name="an empty user name",
        by=secret(OWN, FURTHER, username="Cg=="),
        check=credentials.check,
        what=f"site {FURTHER}: .* has no username",
        do="Add the key",
    ),
    Broken(
        name="a short password",
        by=secret(OWN, FURTHER, password="c2hvcnQ="),  # noqa: S106
        check=credentials.check,
        level="warn",
        what="password in .* is shorter than 16 bytes",
        do="longer",
    ),
    Broken(
        name="half of a read-only account",
        by=secret(OWN, FURTHER, readonlyUsername="bWU="),
        check=credentials.check,
        level="warn",
        what="readonlyUsername without readonlyPassword",
        do="Add the key readonlyPassword",
    ),
    Broken(
        name="a site without the Secret of its settings",
        by=lambda kube: kube.drop("Secret", "webjobs-settings", FURTHER),
        check=credentials.check,
        what=f"site {FURTHER} has no Secret webjobs-settings",
        do="helm upgrade",
    ),
    Broken(
        name="a certificate that is not there",
        by=lambda kube: None,
        check=credentials.check,
        values={"apiserver": {"tls": {"secretName": "cert"}}},
        what="no Secret system/cert, which the shim mounts as tls",
        do="Make it",
    ),
    Broken(
        name="a certificate without its key",
        by=lambda kube: kube.add(
            {"kind": "Secret", "metadata": {"name": "cert", "namespace": SYSTEM}, "data": {"tls.crt": "YQ=="}}
        ),
        check=credentials.check,
        values={"apiserver": {"tls": {"secretName": "cert"}}},
        what=r"has no tls\.key",
        do="kubernetes.io/tls",
    ),
    Broken(
        name="no Service",
        by=lambda kube: kube.drop("Service", "webjobs-apiserver"),
        check=ways_in.check,
        what="no Service system/webjobs-apiserver",
        do="helm upgrade",
    ),
    Broken(
        name="a Service that leads nowhere",
        by=lambda kube: kube.at("EndpointSlice", "webjobs-apiserver-1").update(endpoints=[]),
        check=ways_in.check,
        what="leads nowhere, though the shim is up",
        do="selector",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
async def test_it_is_named(broken: Broken) -> None:
    await broken.is_named()
