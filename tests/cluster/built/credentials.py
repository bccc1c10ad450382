"""A cluster's keys: one authority, the certificates it signs, a random token for each program, and kubeconfigs."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.shell import run

# Who, and the groups that make the API server's default roles apply.
USERS: Mapping[str, tuple[str, str]] = {
    "admin": ("admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kube-proxy": ("system:kube-proxy", ""),
    "coredns": ("webjobs:coredns", "system:masters"),
}
_DAYS = "3650"
_EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def token_file(tokens: Mapping[str, str], node: str) -> str:
    """The API server's ``--token-auth-file``: token, user, user id, groups."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for program, (user, groups) in {**USERS, "kubelet": (f"system:node:{node}", "system:nodes")}.items():
        rows.writerow([tokens[program], user, user, *([groups] if groups else [])])
    return text.getvalue()


def kubeconfig(*, name: str, server: str, authority: str, token: str) -> str:
    """A kubeconfig (JSON, which is YAML) with one context called ``name``."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        },
        indent=2,
    )


def make_keys(folder: Path, *, addresses: list[str], names: list[str]) -> None:
    """Make the authority, the API server's and its client's certificates, and the service accounts' key pair.

    The extensions are those that strict verifiers (Python 3.13 on) ask for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    settings = folder / "openssl.cnf"  # the machine's own may add extensions a second time
    settings.write_text("[req]\ndistinguished_name = none\n[none]\n")
    sign: list[str | Path] = ["openssl", "req", "-config", settings, "-x509", *_EC, "-days", _DAYS]
    authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
    run([*sign, *_out(folder, "ca"), *_name("webjobs-ca"), *_ext(authority)])
    alternatives = [*(f"IP:{address}" for address in addresses), *(f"DNS:{name}" for name in names)]
    leaf = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"]
    serving = [*leaf, "extendedKeyUsage=serverAuth", "subjectAltName=" + ",".join(alternatives)]
    client = [*leaf, "extendedKeyUsage=clientAuth"]
    for name, subject, extensions in (
        ("apiserver", _name("kube-apiserver"), serving),
        ("kubelet-client", ["-subj", "/O=system:masters/CN=kube-apiserver"], client),
    ):
        signer = ["-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key")]
        run([*sign, *signer, *_out(folder, name), *subject, *_ext(extensions)])
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "sa.key"])
    run(["openssl", "ec", "-in", folder / "sa.key", "-pubout", "-out", folder / "sa.pub"])


def random_tokens() -> dict[str, str]:
    """A new token for every program."""
    return {program: secrets.token_hex(24) for program in (*USERS, "kubelet")}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, also while it is written."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _out(folder: Path, name: str) -> list[str | Path]:
    return ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"]


def _name(common: str) -> list[str]:
    return ["-subj", f"/CN={common}"]


def _ext(extensions: list[str]) -> list[str]:
    return [word for extension in extensions for word in ("-addext", extension)]
