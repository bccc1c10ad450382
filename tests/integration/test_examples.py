"""The examples and the chart's Ingress, as far as the API server itself can tell; it has no Gateway API of its own.

What real controllers make of the Ingress and the HTTPRoute is in tests/full/ways_in.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests import stack as stacks
from tests.charts import render
from tests.site import Site

EXAMPLES = stacks.REPO / "examples"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.name)
def test_the_api_server_takes_it(site: Site, file: Path) -> None:
    done = site.kubectl("apply", "--server-side", "--dry-run=server", "-f", str(file), namespace=stacks.SITE)
    assert "(server dry run)" in done


def test_the_api_server_takes_the_ingress(site: Site) -> None:
    ingress = {"enabled": True, "className": "nginx", "hosts": ["*.scm.example.com"], "tls": [{"secretName": "tls"}]}
    found = render({"apiserver": {"trustedProxies": ["10.0.0.0/8"], "ingress": ingress}})
    made = found["Ingress", "webjobs-apiserver"]
    del made["metadata"]["namespace"]
    done = site.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(made))
    assert "(server dry run)" in done
