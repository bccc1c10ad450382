"""Are the Secrets there by which people log in, with their keys, and what the shim may not make itself? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from webjobs_cli.doctor import needs
from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding, few
from webjobs_cli.doctor.installation import Installation, Keys, Look

SUBJECT = "credentials"
"""Subject of the findings."""
_OWNER = ("username", "password")
_PAIRS = (("readonlyUsername", "readonlyPassword"), ("readonlyPassword", "readonlyUsername"))
PASSWORDS = ("password", "readonlyPassword", "deployPassword")
"""Keys that hold passwords."""
SHORTEST = 16
"""Bytes below which a password is called short, as the shim's log does."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what keeps people of which site out, or that nothing does."""
    for one in facts.installations:
        if one.shim is None or not one.sites:
            continue
        found = [*_sites(one), *_mounted(one), *_kept(one)]
        yield from found
        if not found and all(_secret(one, site).seen for site in one.sites):
            yield Finding(level="ok", subject=SUBJECT, what=f"{one.label}: an account for {few(one.sites)}")


def where(one: Installation, site: str) -> tuple[str, str]:
    """Return namespace and name of the Secret with the credentials of a site."""
    shim = one.shim
    if shim and site == one.sites[0]:
        return one.namespace, str((shim.volume("credentials").get("secret") or {}).get("secretName", ""))
    return site, str((shim.config if shim else {}).get("credentialsSecret") or "webjobs-credentials")


def _secret(one: Installation, site: str) -> Look[Keys]:
    return one.secrets.get(where(one, site)) or Look(seen=False)


def _sites(one: Installation) -> Iterator[Finding]:
    for site in one.sites:
        namespace, name = where(one, site)
        secret = f"{namespace}/{name}"
        look = _secret(one, site)
        if look.missing:
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"site {site}: there is no Secret {secret}, and nobody can log in",
                do=f"kubectl create secret generic {name} -n {namespace} --type=kubernetes.io/basic-auth "
                "--from-literal=username=... --from-literal=password=...",
            )
        elif look.value is not None:
            yield from _keys(look.value, site=site, secret=secret)


def _keys(keys: Keys, *, site: str, secret: str) -> Iterator[Finding]:
    has = keys.names - keys.empty
    lacking = [key for key in _OWNER if key not in has]
    if lacking:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"site {site}: the Secret {secret} has no {' and no '.join(lacking)}, and nobody can log in",
            do="Add the key: kubectl patch secret, or 'helm upgrade', if the chart made it.",
        )
    for key, other in _PAIRS:
        if key in has and other not in has:
            yield Finding(
                level="warn",
                subject=SUBJECT,
                what=f"site {site}: the Secret {secret} has {key} without {other}: there is no read-only account",
                do=f"Add the key {other}, or take {key} out.",
            )
    short = [key for key in PASSWORDS if key in keys.short]
    if short:
        yield Finding(
            level="warn",
            subject=SUBJECT,
            what=f"site {site}: {few(short)} in {secret} is shorter than {SHORTEST} bytes, and may be guessed",
            do="Replace it by a longer one; no restart is needed.",
        )


def _mounted(one: Installation) -> Iterator[Finding]:
    """Yield findings on the other Secrets that the shim's pods mount: without one they do not start."""
    for volume in one.shim.pod_spec.get("volumes") or [] if one.shim else []:
        secret = volume.get("secret") or {}
        name = str(secret.get("secretName", ""))
        look = one.secrets.get((one.namespace, name))
        if volume.get("name") == "credentials" or look is None:
            continue
        if look.missing and not secret.get("optional"):
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"there is no Secret {one.namespace}/{name}, which the shim mounts as {volume['name']}",
                do="Make it, or take it out of the chart's values.",
            )
        elif look.value is not None and volume["name"] == "tls":
            lacking = [key for key in ("tls.crt", "tls.key") if key not in look.value.names - look.value.empty]
            if lacking:
                yield Finding(
                    level="bad",
                    subject=SUBJECT,
                    what=f"the Secret {one.namespace}/{name} has no {few(lacking)}: the shim can't serve by TLS",
                    do="It has to be a Secret of the type kubernetes.io/tls.",
                )


def _kept(one: Installation) -> Iterator[Finding]:
    """Yield findings on what the chart makes in each site since the shim may not."""
    for site in one.sites:
        missing = []
        for kind, name in needs.kept(one.shim.config if one.shim else {}):
            look = (one.secrets if kind == "Secret" else one.config_maps).get((site, name))
            if look is not None and look.missing:
                missing.append(f"{kind} {name}")
        if missing:
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"site {site} has no {few(missing)}, which the shim writes and may not make",
                do="'helm upgrade' makes it.",
            )
