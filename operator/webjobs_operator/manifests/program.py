"""The program of a WebJob: its image, its script, and how its package gets into the pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from cachetools import LRUCache

from webjobs.model import WebJob, scripts
from webjobs.model.runtime_settings import BadSetting, RuntimeSettings
from webjobs.model.scripts import ScriptHost, Selected
from webjobs.model.site.site_content import SiteContent
from webjobs.store import packages
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests import windows
from webjobs_operator.manifests.borrow import Borrowed
from webjobs_operator.manifests.merge import flaw
from webjobs_operator.manifests.problem import Unrunnable as Unrunnable  # for those who resolve


@dataclass(frozen=True, kw_only=True)
class Program:
    """The program of a WebJob that can run."""

    image: str
    """Image of the job's container."""
    script: Selected | None = None
    """Script that runs; None: the image's own command."""
    config_map: str | None = None
    """Name of the ConfigMap with the package; None when the package does not travel in one."""
    fetch_digest: str | None = None
    """Digest of the package that an init container fetches; None when none does."""
    runtime: RuntimeSettings = field(default_factory=RuntimeSettings)
    """Runtime that settings.job asks for: a command line in place of interpreter and script, cpu and memory."""
    borrowed: Borrowed | None = None
    """Parts of a pod that ``spec.fromDeployment`` gives; None without it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that tell the process of its site, where nothing of its own says otherwise."""
    site_content: SiteContent | None = None
    """Content of the site that its pods get; None: they don't."""

    @property
    def on_windows(self) -> bool:
        """True when only a Windows node runs the script."""
        return self.script is not None and not self.script.has_shell and self.runtime.command is None


_COMMAND = ScriptHost(name="CommandHost", runtime=None)


def resolve(webjob: WebJob, config: OperatorConfig, *, borrowed: Borrowed | None = None) -> Program:
    """Return the program of a WebJob.

    ``borrowed``: what its spec.fromDeployment gives. Raises Unrunnable when the WebJob can't run.
    """
    spec = webjob.spec
    try:
        runtime = webjob.runtime
    except BadSetting as error:
        raise Unrunnable("InvalidSettings", str(error)) from error
    if wrong := flaw(spec.pod_template or {}, "spec.podTemplate"):
        raise Unrunnable(
            "InvalidPodTemplate",
            f"{wrong} has not the form that it has in a pod: see kubectl explain pod.spec.",
        )
    own_image = spec.image or (borrowed.image if borrowed else None)
    if spec.script:
        path = spec.script.file_name
    elif spec.package:
        if spec.package.entrypoint is None:
            raise _nothing("The package holds no script. Put one into it, or upload it anew.")
        path = spec.package.entrypoint
    elif own_image:
        return Program(image=own_image, runtime=runtime, borrowed=borrowed)
    else:
        raise _nothing("Give spec.image or spec.script, or upload a package through the REST API.")
    selected = _custom(path) if runtime.command else _selected(path, config)
    image = own_image or runtime.image or _runtime_image(selected, config)
    program = Program(image=image, script=selected, runtime=runtime, borrowed=borrowed)
    if spec.package and not packages.is_inline(size=spec.package.size, files=spec.package.files):
        if program.on_windows:
            raise Unrunnable(
                "TooLargeForWindows",
                f"The package has {spec.package.size} bytes in {spec.package.files} files; pods on Windows nodes get "
                "512 KiB at most. Make it smaller, or build an image of it.",
            )
        return replace(program, fetch_digest=spec.package.digest)
    return replace(program, config_map=f"{webjob.metadata.name}-{_content_digest(webjob)[:10]}")


def _nothing(message: str) -> Unrunnable:
    return Unrunnable("NothingToRun", message, stops=True)


def _custom(path: str) -> Selected:
    """Return the script of a job with a command line of its own.

    Its directory counts, and its image where none is named.
    """
    known = scripts.entrypoint(path)
    # What was made for Windows, too: it says itself what runs it here.
    return known if known and known.has_shell else Selected(path=path, host=_COMMAND)


def _selected(path: str, config: OperatorConfig) -> Selected:
    selected = scripts.entrypoint(path)
    if selected is None:
        raise Unrunnable(
            "UnknownScript",
            f"No interpreter is known for {path}. Use .sh, .py, .js, .php, .ps1, .fsx or .jar, or set image and "
            "command in settings.job.",
        )
    if selected.host.runtime is None:
        raise Unrunnable(
            "UnknownScript", f"Nothing runs {path} any more. Give the package a run.sh, run.py or run.ps1."
        )
    if selected.host is scripts.WINDOWS and windows.RUNTIME not in config.runtimes:
        raise Unrunnable(
            "WindowsOnly",
            f"{path} needs Windows. Rewrite it as run.sh, run.py or run.ps1, or say in settings.job by which image and "
            "command it runs here. Or set runtimes.windows.image in the chart's values, if there are Windows nodes.",
        )
    return selected


def _runtime_image(selected: Selected, config: OperatorConfig) -> str:
    key = selected.host.runtime
    if key is None:
        raise Unrunnable(
            "NoRuntime",
            f"No image is known for {selected.path}. Set image beside command in settings.job, or spec.image.",
        )
    runtime = config.runtimes.get(key)
    if runtime is None:
        raise Unrunnable(
            "NoRuntime",
            f"No image is configured for {selected.path}. Set spec.image, or image in settings.job, or "
            f"runtimes.{key}.image in the chart's values.",
        )
    return runtime.image


def _content_digest(webjob: WebJob) -> str:
    if webjob.spec.package:
        return webjob.spec.package.digest.removeprefix("sha256:")
    script = webjob.spec.script
    return _script_digest(script.file_name, script.text) if script else ""


_PACKED: LRUCache[tuple[str, bytes], str] = LRUCache(1024)
"""Digests of inline scripts as packages, by file name and digest of the text: the texts themselves are large."""


def _script_digest(file_name: str, text: str) -> str:
    """Return the digest of an inline script as a package; every pass over its WebJob asks for it."""
    key = file_name, sha256(text.encode()).digest()
    if key not in _PACKED:
        _PACKED[key] = sha256(_tar(file_name, text)).hexdigest()
    return _PACKED[key]


def _tar(file_name: str, text: str) -> bytes:
    return packages.tar([(file_name, 0o755, text.encode())])


def inline_tar(webjob: WebJob) -> bytes:
    """Return the inline script of a WebJob as a package (tar).

    Raises ValueError for a WebJob that has none.
    """
    script = webjob.spec.script
    if script is None:
        raise ValueError("the WebJob has no inline script")
    return _tar(script.file_name, script.text)
