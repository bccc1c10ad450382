"""The children of a WebJob: ConfigMap, data claim, Deployment, CronJob, the Job of a run, and the run of a slot."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webjobs import times
from webjobs.model import (
    ANNOTATION_APP_SETTINGS,
    ANNOTATION_HASH,
    LABEL_ARMED,
    LABEL_RUN,
    LABEL_SCHEDULE,
    LABEL_WEBJOB,
    WebJob,
    WebJobRun,
    WebJobSchedule,
)
from webjobs.model.command_line import split_arguments
from webjobs.pods import CONTAINER
from webjobs.runs import runs
from webjobs.runs.manifest import owned_run, owner_reference
from webjobs.schedules import iana_name
from webjobs.schedules.plan import Plan
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests import requests
from webjobs_operator.manifests.merge import digest
from webjobs_operator.manifests.pod import pod_template
from webjobs_operator.manifests.program import Program

Manifest = dict[str, Any]

SINGLETON_GATE = "webjobs.dev/singleton"
"""Scheduling gate that holds a pod of a singleton back until no other can run."""


def labels_of(webjob: WebJob) -> dict[str, str]:
    """Return the labels of every child and pod of a WebJob."""
    return {
        LABEL_WEBJOB: webjob.metadata.name,
        "app.kubernetes.io/name": webjob.metadata.name,
        "app.kubernetes.io/managed-by": "webjobs",
    }


def _metadata(webjob: WebJob, name: str, *, owned_by: Manifest | None = None) -> Manifest:
    """Return the metadata of a child: with the labels and annotations of podTemplate, as policies and queues want."""
    asked = (webjob.spec.pod_template or {}).get("metadata") or {}
    metadata: Manifest = {
        "name": name,
        "namespace": webjob.metadata.namespace,
        "labels": {**_texts(asked.get("labels")), **labels_of(webjob)},
        "ownerReferences": [owned_by or owner_reference("WebJob", webjob.metadata)],
    }
    if annotations := _texts(asked.get("annotations")):
        metadata["annotations"] = annotations
    return metadata


def _texts(asked: Any) -> dict[str, str]:
    """Return the labels or annotations of a patch; None removes, which is nothing here."""
    return {key: value for key, value in (asked or {}).items() if value is not None}


def _stamped(manifest: Manifest) -> Manifest:
    meta = manifest["metadata"]
    annotations = {**meta.get("annotations", {}), ANNOTATION_HASH: digest(manifest)}
    return manifest | {"metadata": meta | {"annotations": annotations}}


def config_map(webjob: WebJob, *, name: str, files: Mapping[str, bytes]) -> Manifest:
    """Return the ConfigMap that brings files to the pods; its name holds their digest, so it never changes.

    ``files``: the small package and the translated script, by name; a text can be read by people.
    """
    texts = {file: text for file, content in files.items() if (text := _text(content)) is not None}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(webjob, name),
        "immutable": True,
        "binaryData": {file: b64encode(content).decode() for file, content in files.items() if file not in texts},
        **({"data": texts} if texts else {}),
    }


def _text(content: bytes) -> str | None:
    """Return bytes as a text that Kubernetes keeps as it is; None when they are none."""
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def data_claim(webjob: WebJob) -> Manifest | None:
    """Return the claim behind WEBJOBS_DATA_PATH; None when the WebJob has none or uses one that is there."""
    data, name = webjob.spec.data, webjob.data_claim
    if data is None or name is None or data.size is None:
        return None
    spec: Manifest = {
        "accessModes": [data.access_mode or "ReadWriteOnce"],
        "resources": {"requests": {"storage": data.size}},
    }
    if data.storage_class_name is not None:
        spec["storageClassName"] = data.storage_class_name
    return _stamped(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": _metadata(webjob, name),
            "spec": spec,
        }
    )


def _needs_recreate(webjob: WebJob) -> bool:
    """Return whether a new pod can't be sure to come up beside the old one.

    A volume of one node may hold it back.
    """
    data = webjob.spec.data
    return webjob.singleton or bool(data and data.size and data.access_mode != "ReadWriteMany")


def deployment(
    webjob: WebJob, *, program: Program, config: OperatorConfig, app_settings: str | None = None
) -> Manifest:
    """Return the Deployment of a continuous WebJob.

    ``app_settings``: digest of the site's app settings; another digest in the template replaces the pods, so that the
    processes start anew with the settings, as in App Service. Jobs need none: each run starts a process.
    """
    labels = labels_of(webjob)
    # The defaults are said in full: only what we applied goes when the strategy changes to Recreate, which the API
    # server refuses beside them.
    strategy: Manifest = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    if _needs_recreate(webjob):
        strategy = {"type": "Recreate"}
    template = pod_template(webjob, program=program, config=config, restart_policy="Always", labels=labels)
    if webjob.singleton:
        gates = template["spec"].get("schedulingGates") or []
        template["spec"]["schedulingGates"] = [{"name": SINGLETON_GATE}, *gates]
    if app_settings:
        meta = template["metadata"]
        meta["annotations"] = {**(meta.get("annotations") or {}), ANNOTATION_APP_SETTINGS: app_settings}
    return _stamped(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _metadata(webjob, webjob.metadata.name),
            "spec": {
                "replicas": webjob.instances,
                "revisionHistoryLimit": 1,
                "strategy": strategy,
                "selector": {"matchLabels": {LABEL_WEBJOB: webjob.metadata.name}},
                "template": template,
            },
        }
    )


def _job_spec(webjob: WebJob, template: Manifest) -> Manifest:
    spec: Manifest = {
        "backoffLimit": webjob.spec.retries or 0,
        # A pod that is on its way out may still run the script: its replacement waits for its end.
        "podReplacementPolicy": "Failed",
        "template": template,
    }
    if webjob.spec.timeout_seconds:
        spec["activeDeadlineSeconds"] = webjob.spec.timeout_seconds
    return spec


def job_template(webjob: WebJob, *, program: Program, config: OperatorConfig) -> Manifest:
    """Return the pod template that each run or instance of a WebJob has, but for what is different in each.

    Raises Unrunnable when the limits of the installation refuse it.
    """
    return pod_template(webjob, program=program, config=config, restart_policy="Never", labels=labels_of(webjob))


def cron_job(
    webjob: WebJob, *, program: Program, config: OperatorConfig, expression: str, time_zone: str | None
) -> Manifest:
    """Return the CronJob of a schedule that cron can say.

    Its Jobs are born suspended: the operator admits them. A CronJob's own Forbid does not see runs on demand, so the
    admission is what makes "one at a time" true for both. ``time_zone``: IANA or Windows name, None for UTC. Raises
    ScheduleError for an unknown one.
    """
    template, metadata = job_template(webjob, program=program, config=config), _metadata(webjob, webjob.metadata.name)
    of_jobs = {key: dict(metadata[key]) for key in ("labels", "annotations") if key in metadata}
    spec: Manifest = {
        "schedule": expression,
        "timeZone": iana_name(time_zone) if time_zone else "Etc/UTC",
        "suspend": bool(webjob.spec.suspend),
        "startingDeadlineSeconds": int(webjob.starting_deadline.total_seconds()),
        # Forbid bounds what piles up while no operator admits Jobs. It also keeps slots back while a Job of an
        # earlier one is active, which is right for no other policy.
        "concurrencyPolicy": "Forbid" if webjob.concurrency == "Forbid" else "Allow",
        "successfulJobsHistoryLimit": 100,
        "failedJobsHistoryLimit": 100,
        "jobTemplate": {"metadata": of_jobs, "spec": _job_spec(webjob, template) | {"suspend": True}},
    }
    return _stamped({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec})


def job(webjob: WebJob, run: WebJobRun, *, program: Program, config: OperatorConfig) -> Manifest:
    """Return the Job of a run; it has the run's name."""
    labels = labels_of(webjob) | {LABEL_RUN: runs.run_id(run)}
    template = pod_template(
        webjob,
        program=program,
        config=config,
        restart_policy="Never",
        labels=labels,
        arguments=split_arguments(run.spec.arguments),
        arguments_text=run.spec.arguments or "",
    )
    metadata = _metadata(webjob, run.metadata.name, owned_by=owner_reference("WebJobRun", run.metadata))
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata | {"labels": metadata["labels"] | labels},
        "spec": _job_spec(webjob, template),
    }


def armed_job(webjob: WebJob, *, program: Program, config: OperatorConfig, app_settings: str | None) -> Manifest:
    """Return the Job of a run to come, without a name: its pod waits for the run.

    The label LABEL_ARMED is a digest of the Job's spec. ``app_settings``: digest of the site's app settings, which a
    process gets when it starts.
    """
    template = pod_template(
        webjob, program=program, config=config, restart_policy="Never", labels=labels_of(webjob), armed=True
    )
    template = requests.lowered(template, config.warm.requests.to_dict())
    meta = template["metadata"]
    annotations = {"kubectl.kubernetes.io/default-container": CONTAINER, **(meta.get("annotations") or {})}
    if app_settings:
        annotations[ANNOTATION_APP_SETTINGS] = app_settings
    meta["annotations"] = annotations
    spec = _job_spec(webjob, template)
    spec.pop("activeDeadlineSeconds", None)  # the time limit of a run begins with the run
    label = {LABEL_ARMED: digest(spec)[:8]}
    meta["labels"] = meta["labels"] | label
    metadata = _metadata(webjob, "")
    metadata["labels"] |= label
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def adoption_patch(run: WebJobRun, *, deadline: int | None) -> Manifest:
    """Return the patch that makes a Job that waited the Job of a run.

    ``deadline``: its activeDeadlineSeconds, counted from the Job's start.
    """
    patch: Manifest = {
        "metadata": {
            "labels": {LABEL_RUN: runs.run_id(run)},
            "ownerReferences": [owner_reference("WebJobRun", run.metadata)],
        }
    }
    if deadline is not None:
        patch["spec"] = {"activeDeadlineSeconds": deadline}
    return patch


def admission_patch(run_id: str) -> Manifest:
    """Return the patch that starts a suspended Job as a given run."""
    label = {"labels": {LABEL_RUN: run_id}}
    return {"metadata": label, "spec": {"suspend": False, "template": {"metadata": label}}}


@dataclass(frozen=True, kw_only=True)
class SlotOrigin:
    """The schedule that a slot comes from."""

    plan: Plan
    """Plan of the schedule."""
    cron_job_name: str | None = None
    """Name of the Job that a CronJob made for the slot; None when the operator's timer fires it."""
    schedule: WebJobSchedule | None = None
    """The WebJobSchedule of the slot; None: the WebJob's own schedule."""

    @property
    def name(self) -> str | None:
        """Name of the WebJobSchedule; None for the WebJob's own schedule."""
        return self.schedule.metadata.name if self.schedule else None


def scheduled_run(webjob: WebJob, *, name: str, slot: datetime, origin: SlotOrigin) -> Manifest:
    """Return the WebJobRun of a schedule's slot."""
    schedule = origin.schedule
    return owned_run(
        webjob,
        name=name,
        labels=labels_of(webjob) | ({LABEL_SCHEDULE: schedule.metadata.name} if schedule else {}),
        trigger=origin.plan.trigger,
        scheduleTime=times.rfc3339(slot, micro=False),
        cronJobName=origin.cron_job_name,
        scheduleName=schedule.metadata.name if schedule else None,
        arguments=(schedule.spec.arguments or None) if schedule else None,
    )
