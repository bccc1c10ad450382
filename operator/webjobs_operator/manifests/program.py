"""What a WebJob runs: its image, its script, and how its package gets into the pod."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from webjobs import scripts
from webjobs.model import WebJob
from webjobs.scripts import Selected
from webjobs.store import packages
from webjobs_operator.config import OperatorConfig


class Unrunnable(Exception):
    """The WebJob can't run here; ``reason`` is a CamelCase word, the message says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Program:
    """A WebJob that can run."""

    image: str
    script: Selected | None = None
    """None: the image's own command."""
    config_map: str | None = None
    """Name of the ConfigMap with the package."""
    fetch_digest: str | None = None
    """Digest of the package that an init container fetches."""


def resolve(webjob: WebJob, config: OperatorConfig) -> Program:
    """How the WebJob runs; Unrunnable when it can't."""
    spec = webjob.spec
    if spec.script:
        path = spec.script.file_name
    elif spec.package:
        if spec.package.entrypoint is None:
            raise Unrunnable("NothingToRun", "The package holds no script. Put one into it, or upload it anew.")
        path = spec.package.entrypoint
    elif spec.image:
        return Program(image=spec.image)
    else:
        raise Unrunnable("NothingToRun", "Give spec.image or spec.script, or upload a package through the REST API.")
    selected = scripts.entrypoint(path)
    if selected is None:
        raise Unrunnable(
            "UnknownScript",
            f"No interpreter is known for {path}. Use .sh, .py, .js, .php, .ps1, .fsx or .jar, or set spec.image and "
            "spec.command.",
        )
    if selected.host.runtime is None:
        raise Unrunnable(
            "WindowsOnly",
            f"{path} needs Windows. Rewrite it as run.sh, run.py or run.ps1, or put the program into an image and set "
            "spec.image.",
        )
    image = spec.image
    if image is None:
        runtime = config.runtimes.get(selected.host.runtime)
        if runtime is None:
            raise Unrunnable(
                "NoRuntime",
                f"No image is configured for {path}. Set spec.image, or runtimes.{selected.host.runtime}.image in the "
                "chart's values.",
            )
        image = runtime.image
    if spec.package and not packages.is_inline(size=spec.package.size, files=spec.package.files):
        return Program(image=image, script=selected, fetch_digest=spec.package.digest)
    return Program(image=image, script=selected, config_map=f"{webjob.metadata.name}-{_content_digest(webjob)[:10]}")


def _content_digest(webjob: WebJob) -> str:
    if webjob.spec.package:
        return webjob.spec.package.digest.removeprefix("sha256:")
    return sha256(inline_tar(webjob)).hexdigest()


def inline_tar(webjob: WebJob) -> bytes:
    """The inline script as a package; only for WebJobs that have one."""
    script = webjob.spec.script
    if script is None:
        raise ValueError("the WebJob has no inline script")
    return packages.tar([(script.file_name, 0o755, script.text.encode())])
