"""What to do about each reason of docs/reasons.md that keeps a WebJob or a run back. Pure."""

from __future__ import annotations

from collections.abc import Mapping

INSTALLATION = frozenset(
    {
        *("StoreUnavailable", "PackageMissing", "PackageNotFetched", "ReconcileFailed", "NodeNotPrepared"),
        *("ChildRefused", "JobRefused", "PodRefused", "NoRuntime"),
    }
)
"""Reasons that are the administrator's: of the store, the cluster, the chart's values. Others are the job's own."""
_LIMITS = "Use what the chart's limits allow, or have them changed (docs/security.md, Limits)."
_POLICY = "Meet the policy or quota that the message names, or change it."
_BUILD = "Build or publish the program as the message says, and upload it again."
CURES: Mapping[str, str] = {
    "NothingToRun": "Give spec.script or spec.image, or upload a package.",
    "UnknownScript": "Use a known extension, or name image and command in settings.job.",
    "WindowsOnly": "Upload it again; docs/webjobs.md, Windows, says what runs.",
    "WindowsDesktop": "Build it as a console program.",
    "NativeCode": _BUILD,
    "WrongMachine": _BUILD,
    "WrongLinux": _BUILD,
    "UnknownProgram": "Build and upload it anew: it is no program.",
    "BadRuntimeConfig": "Publish it anew; the message names file and field.",
    "UnknownFramework": "Publish it for a framework that an image has; the message names it.",
    "MissingLibrary": "Add the file that the message names, as 'dotnet publish' writes it.",
    "MissingRuntimeConfig": "Add the file that the message names, as 'dotnet publish' writes it.",
    "MissingStarter": "Add the file that the message names, as 'dotnet publish' writes it.",
    "BatchTooLarge": "Make the batch file smaller than 256 KiB.",
    "BatchNotTranslated": "Change the line that the message names (docs/batch-files.md).",
    "NoRuntimeVersion": "Add the version to runtimes.dotnet.versions of the chart, or name an image in settings.job.",
    "NoCombinedImage": "Name an image in combinedRuntimes of the chart, or in settings.job.",
    "TooLargeForWindows": "Make the package smaller than 512 KiB, or an image of it.",
    "NoSiteContent": "Deploy a zip with the site's files beside App_Data/jobs, or say siteContent: false.",
    "NoRuntime": "Name an image in runtimes of the chart, or in spec.image.",
    "InvalidSettings": "Mend the key of settings.job that the message names, and upload it again.",
    "InvalidPodTemplate": "Mend the part that the message names; 'kubectl explain pod.spec' shows its form.",
    "DeploymentMissing": "Make the Deployment of fromDeployment, or name another one.",
    "DeploymentOfWebJob": "Name a Deployment in fromDeployment that is no WebJob's.",
    "NamespaceRefused": "Move the WebJobs into another namespace (docs/security.md, Namespaces).",
    "ImageRefused": _LIMITS,
    "ServiceAccountRefused": _LIMITS,
    "PodTemplateRefused": _LIMITS,
    "FromDeploymentRefused": _LIMITS,
    "NameTaken": "Delete the object that has the name, or give the WebJob another one.",
    "PackageMissing": "Upload the files again: the store has not this package. Is it another store than before?",
    "StoreUnavailable": "Look at the store's own state and at the operator's log; what waits begins by itself then.",
    "ChildRefused": _POLICY,
    "JobRefused": _POLICY,
    "PodRefused": f"{_POLICY} For a LimitRange: spec.resources.",
    "ImagePullFailed": "Look at the image's name, its registry, and imagePullSecrets.",
    "ContainerRefused": "Make the Secret or ConfigMap that the message names.",
    "NodeNotPrepared": "'kubectl describe pod' says which volume or network the node can't prepare.",
    "PackageNotFetched": "Pods must reach the shim's Service: is it up, and does a NetworkPolicy keep them from it?",
    "InitContainerFailed": "kubectl logs POD -c CONTAINER shows why.",
    "Unschedulable": "More nodes, smaller requests, or other selectors; an autoscaler may be at work.",
    "SchedulingGated": "Whoever set the scheduling gate has to take it away.",
    "JobSuspended": "Look at its queue (Kueue), or resume the Job as the message says.",
    "ReconcileFailed": "The message says what the API server refuses; the operator's log has the trace.",
    "Restoring": "Repeat the restore, if it was cut off (docs/backup.md).",
}
"""Sentences by reason of the condition Ready, and of Started of a run."""
