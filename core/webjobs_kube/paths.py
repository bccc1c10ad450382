"""Where objects are in the Kubernetes API. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

from webjobs_kube.errors import NotFound

_PREFIXES = {
    "WebJob": ("/apis/webjobs.dev/v1", "webjobs"),
    "WebJobRun": ("/apis/webjobs.dev/v1", "webjobruns"),
    "WebJobSchedule": ("/apis/webjobs.dev/v1", "webjobschedules"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "CronJob": ("/apis/batch/v1", "cronjobs"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Pod": ("/api/v1", "pods"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "Secret": ("/api/v1", "secrets"),
    "Event": ("/api/v1", "events"),
    # What an installation is made of, and stands on: for `kubectl webjob doctor`, which only reads.
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
    "LimitRange": ("/api/v1", "limitranges"),
    "MutatingWebhookConfiguration": ("/apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations"),
    "Namespace": ("/api/v1", "namespaces"),
    "ResourceQuota": ("/api/v1", "resourcequotas"),
    "Service": ("/api/v1", "services"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses"),
    "ValidatingWebhookConfiguration": ("/apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations"),
}
_PATH = re.compile(r"[/%]")
"""What Kubernetes takes in no name, as it stands for a path (apimachinery's IsValidPathSegmentName)."""


def plural_of(kind: str) -> str:
    """Return the plural of a kind, as rights and URLs name it."""
    return _PREFIXES[kind][1]


def path_of(kind: str, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
    """Return the URL path of a collection, an object or its subresource.

    Raises NotFound for a name that no object has, and that would make another path: names come from statuses, too,
    and the API server takes an escaped slash for a slash.
    """
    for part in (namespace, name):
        if part is not None and (part in ("", ".", "..") or _PATH.search(part)):
            raise NotFound(404, "NotFound", f"there is no {kind} with a name like {part[:100]!r}")
    prefix, plural = _PREFIXES[kind]
    path = prefix + (f"/namespaces/{quote(namespace, safe='')}" if namespace else "") + f"/{plural}"
    if name is not None:
        path += f"/{quote(name, safe='')}"
    return f"{path}/{subresource}" if subresource else path
