"""The examples, as far as the API server itself can tell; it has no Gateway API of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests import stack as stacks
from tests.conformance.contract.declared import declared
from tests.site import Site
from webjobs_apiserver.http.paths import canonical

EXAMPLES = stacks.REPO / "examples"
INGRESS, ROUTE = EXAMPLES / "ingress/ingress.yaml", EXAMPLES / "ingress/httproute.yaml"


@pytest.mark.parametrize("file", [*sorted(EXAMPLES.glob("*.yaml")), INGRESS], ids=lambda file: file.name)
def test_the_api_server_takes_it(site: Site, file: Path) -> None:
    namespace = None if file == INGRESS else stacks.SITE
    done = site.kubectl("apply", "--server-side", "--dry-run=server", "-f", str(file), namespace=namespace)
    assert "(server dry run)" in done


def _prefixes(file: Path) -> set[str]:
    found: set[str] = set()
    for manifest in yaml.safe_load_all(file.read_text()):
        for rule in manifest["spec"].get("rules", []):
            paths = rule["http"]["paths"] if "http" in rule else [match["path"] for match in rule["matches"]]
            found |= {path.get("path") or path["value"] for path in paths}
    return found


@pytest.mark.parametrize("file", [INGRESS, ROUTE], ids=lambda file: file.name)
def test_every_route_is_reached_from_outside(file: Path) -> None:
    known = _prefixes(file)
    clients = {path for _, path in declared() if not path.startswith(("/internal/", "/healthz", "/readyz"))}
    # The spellings without /api are no routes of their own: each is one whose canonical form is such a route.
    bare = {path.removeprefix("/api") for path in clients if path.startswith("/api/")}
    spelled = {path for path in bare if canonical(path) != path} | {"/jobs"}
    missed = {path for path in clients | spelled if not any(f"{path}/".startswith(f"{prefix}/") for prefix in known)}
    assert not missed
    assert not [prefix for prefix in known if "/internal".startswith(prefix)]
