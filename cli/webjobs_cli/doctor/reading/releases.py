"""The reading of installations: what the chart made, found by its labels."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from webjobs.objects import Object
from webjobs_cli.doctor import needs
from webjobs_cli.doctor.checks import credentials
from webjobs_cli.doctor.installation import Answer, Denied, Installation, Look, Part, Role
from webjobs_cli.doctor.reading import keys
from webjobs_cli.doctor.reading.looking import Looking
from webjobs_kube.errors import ApiError, Forbidden

LABEL = "app.kubernetes.io/part-of=webjobs"
"""Label selector of all that the chart makes."""
USUAL = "webjobs-system"
"""Namespace that the documentation installs the chart into."""
_INSTANCE, _COMPONENT = "app.kubernetes.io/instance", "app.kubernetes.io/component"
_ROLES: Mapping[str, Role] = {"operator": "operator", "apiserver": "shim"}
_PROBES: Mapping[Role, str] = {"operator": "healthz", "shim": "readyz"}
_PROBE_PORT = 8080
_CONFIG = "config.yaml"


async def find(looking: Looking, *, namespace: str | None) -> tuple[list[Object], bool, str]:
    """Return the Deployments of all installations, whether all namespaces were looked at, and else which one was.

    ``namespace``: only there; None: everywhere, and in the usual namespace where that is not allowed.
    """
    if namespace is None:
        found = await looking.list("Deployment", None, selector=LABEL)
        if found is not None:
            return found, True, ""
    found = await looking.list("Deployment", namespace or USUAL, selector=LABEL)
    return found or [], False, (namespace or USUAL) if found is not None and namespace else ""


async def read(looking: Looking, deployments: Iterable[Object]) -> list[Installation]:
    """Return the installations that Deployments belong to, without what depends on their sites."""
    groups: dict[tuple[str, str], dict[Role, Object]] = {}
    for one in deployments:
        meta = one["metadata"]
        labels = meta.get("labels") or {}
        role = _ROLES.get(labels.get(_COMPONENT, ""))
        if role:
            groups.setdefault((meta["namespace"], labels.get(_INSTANCE, meta["name"])), {})[role] = one
    made = (_installation(looking, *key, group) for key, group in sorted(groups.items()))
    return list(await asyncio.gather(*made))


async def _installation(looking: Looking, namespace: str, name: str, group: Mapping[Role, Object]) -> Installation:
    parts = await asyncio.gather(*(_part(looking, role, one) for role, one in group.items()))
    by_role = {part.role: part for part in parts}
    claims = {str(_claim(part)) for part in parts if _claim(part)}
    accounts = {part.account for part in parts}
    shim = by_role.get("shim")
    looks = await looking.all_of({claim: looking.get("PersistentVolumeClaim", namespace, claim) for claim in claims})
    known = await looking.all_of({account: looking.get("ServiceAccount", namespace, account) for account in accounts})
    service = await looking.get("Service", namespace, shim.name) if shim else Look[Object](seen=False)
    return Installation(
        namespace=namespace,
        name=name,
        operator=by_role.get("operator"),
        shim=shim,
        claims=looks,
        accounts=known,
        service=service,
        addresses=await addresses(looking, namespace, shim.name) if shim and service.value else None,
    )


def _claim(part: Part) -> str | None:
    return (part.volume("store").get("persistentVolumeClaim") or {}).get("claimName")


async def _part(looking: Looking, role: Role, deployment: Object) -> Part:
    bare = Part(role=role, deployment=deployment)
    namespace = str(deployment["metadata"]["namespace"])
    wanted = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
    selector = ",".join(f"{key}={value}" for key, value in wanted.items())
    pods = await looking.list("Pod", namespace, selector=selector) or []
    return replace(
        bare,
        config=await _config(looking, bare, namespace),
        pods=tuple(pods),
        answer=await _answer(looking, role, pods),
    )


async def _config(looking: Looking, part: Part, namespace: str) -> Mapping[str, Any]:
    name = (part.volume("config").get("configMap") or {}).get("name")
    look = await looking.get("ConfigMap", namespace, str(name)) if name else None
    text = ((look.value or {}).get("data") or {}).get(_CONFIG) if look else ""
    try:
        found = yaml.safe_load(text or "")
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


async def _answer(looking: Looking, role: Role, pods: Iterable[Object]) -> Answer | None:
    """Return what the first running pod says of its health; None when nobody may ask, or nothing comes back."""
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]
    for pod in running[:1]:
        meta = pod["metadata"]
        try:
            call = looking.kube.ask_pod(meta["namespace"], meta["name"], port=_PROBE_PORT, path=_PROBES[role])
            return Answer(status=200, text=(await call)[:200])
        except Forbidden as error:
            looking.note(f"ask pods in {meta['namespace']} for their health (get pods/proxy)", error)
        except ApiError as error:
            if _is_own(error):
                return Answer(status=error.status, text=error.message[:200])
    return None


def _is_own(error: ApiError) -> bool:
    """Return whether an error is a pod's own answer, and neither the API server's about it nor a page of a proxy."""
    return error.reason == "Unknown" and error.status in (500, 503) and not error.message.lstrip().startswith("<")


async def addresses(looking: Looking, namespace: str, service: str) -> int | None:
    """Return the number of ready addresses behind a Service; None when nobody knows."""
    selector = f"kubernetes.io/service-name={service}"
    slices = await looking.list("EndpointSlice", namespace, selector=selector)
    if slices is None:
        return None
    return sum(
        len(endpoint.get("addresses") or [])
        for one in slices
        for endpoint in one.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready") is not False
    )


async def complete(looking: Looking, one: Installation, *, gone: frozenset[str]) -> Installation:
    """Return an installation with what depends on its sites: Secrets, ConfigMaps, rights.

    ``gone``: namespaces that are not there, in which nothing is looked for.
    """
    secrets, config_maps = _wanted(one)
    seen = await looking.all_of({key: looking.get("Secret", *key) for key in secrets if key[0] not in gone})
    maps = await looking.all_of({key: looking.get("ConfigMap", *key) for key in config_maps if key[0] not in gone})
    return replace(
        one,
        secrets={key: keys.of_secret(look) for key, look in seen.items()},
        config_maps={key: keys.of_config_map(look) for key, look in maps.items()},
        denied=await _denied(looking, one, gone=gone),
    )


def _wanted(one: Installation) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return namespace and name of the Secrets, and of the ConfigMaps, that an installation needs."""
    secrets = {credentials.where(one, site) for site in one.sites}
    config_maps: set[tuple[str, str]] = set()
    for site in one.sites:
        for kind, name in needs.kept(one.shim.config if one.shim else {}):
            (secrets if kind == "Secret" else config_maps).add((site, name))
    for part in one.parts:
        for source in part.container.get("envFrom") or []:
            secrets.add((one.namespace, str((source.get("secretRef") or {}).get("name", ""))))
            config_maps.add((one.namespace, str((source.get("configMapRef") or {}).get("name", ""))))
        for volume in part.pod_spec.get("volumes") or []:
            secrets.add((one.namespace, str((volume.get("secret") or {}).get("secretName", ""))))
    return {key for key in secrets if all(key)}, {key for key in config_maps if all(key)}


async def _denied(looking: Looking, one: Installation, *, gone: frozenset[str]) -> tuple[Denied, ...] | None:
    """Return the rights that are missing; None when the rights of others may not be asked for."""
    rights = [right for right in needs.rights(one) if right.namespace not in gone]
    if not rights:
        return None
    what = "ask for the rights of service accounts (create subjectaccessreviews)"
    first = await looking.tried(_has(looking, one, rights[0]), what=what)
    if first is None:
        return None
    answers = await asyncio.gather(*(looking.tried(_has(looking, one, right), what=what) for right in rights[1:]))
    return tuple(right for right, has in zip(rights, [first, *answers], strict=True) if has is False)


async def _has(looking: Looking, one: Installation, right: Denied) -> bool:
    part = one.operator if right.role == "operator" else one.shim
    account = part.account if part else ""
    user = {
        "username": f"system:serviceaccount:{one.namespace}:{account}",
        "groups": ["system:serviceaccounts", f"system:serviceaccounts:{one.namespace}", "system:authenticated"],
    }
    return await looking.kube.is_allowed(
        user,
        namespace=right.namespace,
        verb=right.verb,
        resource=right.resource,
        group=right.group,
        name=right.name,
    )
