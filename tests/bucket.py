"""The installed chart with its store in a bucket on this host, for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests import s3
from tests import stack as stacks
from tests.site import Site

ENVIRONMENT = "bucket"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket that the chart has its store in."""

    server: s3.S3
    way: s3.Proxy
    """From the pods to the server."""


@contextmanager
def bucket_of(
    site: Site,
    *,
    values: Mapping[str, Any] | None = None,
    back: Mapping[str, Any] | None = None,
    before: Callable[[Bucket], None] | None = None,
) -> Iterator[Bucket]:
    """The store in a bucket; ``values`` of the chart besides ``store.url``, and those with which it goes ``back``.

    ``before``: what is done when the bucket is there, and the store still on its volume.
    """
    host = site.stack.cluster.way_to_host()
    with s3.server() as server, s3.proxy(server.port, host=host.bind) as way:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": ENVIRONMENT, "namespace": stacks.SYSTEM},
            "stringData": server.environment(host=host.address, port=way.port),
        }
        stacks.apply(site.stack.kubeconfig, secret)
        store = {"url": server.url, "envFrom": [{"secretRef": {"name": ENVIRONMENT}}]}
        made = Bucket(server=server, way=way)
        if before:
            before(made)
        stacks.upgrade(site.stack, _with_store(values or {}, store))
        try:
            yield made
        finally:
            site.kubectl("delete", "wj", "--all", "--wait")
            volume = {"url": "file:///var/lib/webjobs", "envFrom": []}
            stacks.upgrade(site.stack, _with_store(back or {}, volume))


def _with_store(values: Mapping[str, Any], store: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "store": {**values.get("store", {}), **store}}
