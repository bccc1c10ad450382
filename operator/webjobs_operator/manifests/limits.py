"""May a WebJob have its pod here? The one answer, given of the pod as it would be made. Pure.

What a manifest, an upload, settings.job or a borrowed Deployment asked for is all in the rendered template by then, so
that nothing goes round it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webjobs.constants import PACKAGE_AUDIENCE
from webjobs.model import WebJob
from webjobs.model.limits import Limits
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests.pod_security import containers_of, violations, volumes_of
from webjobs_operator.manifests.problem import Unrunnable


def check_webjob(webjob: WebJob, limits: Limits) -> None:
    """Raise Unrunnable for a WebJob that asks for what is never given here, before anything is looked up for it."""
    namespace = webjob.metadata.namespace
    if namespace in limits.refused_namespaces:
        raise _refused(
            "NamespaceRefused",
            f"Namespace {namespace} has no WebJobs: whoever made one there would have the rights of its service "
            "accounts. Use another namespace, or see site.namespace and allowReleaseNamespace of the chart.",
        )
    if webjob.spec.from_deployment and not limits.from_deployment:
        raise _refused(
            "FromDeploymentRefused",
            "spec.fromDeployment is not allowed here: limits.fromDeployment of the chart is false.",
        )
    if webjob.spec.pod_template and limits.pod_template == "none":
        raise _refused(
            "PodTemplateRefused", "spec.podTemplate is not allowed here: limits.podTemplate of the chart is none."
        )


def check_pod(template: Mapping[str, Any], config: OperatorConfig) -> None:
    """Raise Unrunnable for a pod template that the limits of the installation refuse; the message names the field."""
    limits = config.limits
    if not limits.concern_pods:
        return
    pod = template["spec"]
    for field, image in _images(pod):
        if why := limits.refusal_of_image(image):
            raise _refused("ImageRefused", f"{why} It is in {field} of the pod.")
    for account in _accounts(pod):
        if why := limits.refusal_of_account(account):
            raise _refused("ServiceAccountRefused", why)
    if limits.pod_template == "full":
        return
    own = _of_the_installation(config)
    refused = [field for rule, field in violations(template) if rule not in own]
    if refused:
        raise _refused(
            "PodTemplateRefused",
            f"The pod may not have this: {', '.join(refused[:5])}. limits.podTemplate of the chart is "
            f"{limits.pod_template}.",
        )


def _refused(reason: str, message: str) -> Unrunnable:
    return Unrunnable(reason, message, stops=True)


def _images(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, container in containers_of(pod):
        yield f"{field}.image", str(container.get("image", ""))
    for field, volume in volumes_of(pod):
        if isinstance(found := volume.get("image"), Mapping):
            yield f"{field}.image.reference", str(found.get("reference", ""))


def _accounts(pod: Mapping[str, Any]) -> Iterator[str]:
    """Yield the service accounts that a pod has: those that it names, else the default one if it gets a token."""
    named = [str(pod[field]) for field in ("serviceAccountName", "serviceAccount") if pod.get(field)]
    if not named and (pod.get("automountServiceAccountToken") is not False or any(_tokens(pod))):
        named = ["default"]
    yield from named


def _tokens(pod: Mapping[str, Any]) -> Iterator[bool]:
    """Yield for each token in a volume whether the API server takes it; that for packages is for the shim alone."""
    for _, volume in volumes_of(pod):
        projected = volume.get("projected")
        sources = projected.get("sources") if isinstance(projected, Mapping) else None
        for source in sources if isinstance(sources, list) else []:
            token = source.get("serviceAccountToken") if isinstance(source, Mapping) else None
            if token is not None:
                yield not isinstance(token, Mapping) or token.get("audience") != PACKAGE_AUDIENCE


def _of_the_installation(config: OperatorConfig) -> set[str]:
    """Return the rules that the chart's own defaults break: the administrator said so."""
    container = {"securityContext": config.container_security_context}
    pod = {"securityContext": config.pod_security_context, "containers": [container]}
    return {rule for rule, _ in violations({"spec": pod})}
