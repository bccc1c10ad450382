"""The program of a WebJob: its image, its script, and how its package gets into the pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from cachetools import LRUCache

from webjobs import batch
from webjobs.model import NeededRuntime, PackageProgram, WebJob, scripts
from webjobs.model.runtime_settings import BadSetting, RuntimeSettings
from webjobs.model.scripts import ScriptHost, Selected
from webjobs.model.site.site_content import SiteContent
from webjobs.runtimes.images import Picked, pick
from webjobs.runtimes.needs import Need
from webjobs.runtimes.package_program import program_of
from webjobs.runtimes.programs import Problem
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
    choice: PackageProgram | None = None
    """What runs the script, and why; None: the image's own command, or the one of settings.job."""
    picked: Picked | None = None
    """Image that the runtimes of the installation have for it; None: spec or settings.job name one."""
    on_windows: bool = False
    """True when a Windows node runs the script."""
    config_map: str | None = None
    """Name of the ConfigMap with the package or the translated script; None when the pods need none."""
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
    def is_translated(self) -> bool:
        """True for a batch file that runs as a shell script made of it."""
        return self.choice is not None and self.choice.is_translated and not self.on_windows

    def calls(self, runtime: str) -> bool:
        """Return whether the program runs in or calls a runtime, by its key."""
        if self.choice:
            return any(one.name == runtime for one in self.choice.runtimes)
        return self.script is not None and self.script.host.runtime == runtime

    @property
    def has_package_in_map(self) -> bool:
        """True when the ConfigMap brings the files themselves."""
        return self.config_map is not None and self.fetch_digest is None


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
    program = _with_image(path, webjob, config, image=own_image or runtime.image, runtime=runtime)
    return _with_files(replace(program, runtime=runtime, borrowed=borrowed), webjob)


def _nothing(message: str) -> Unrunnable:
    return Unrunnable("NothingToRun", message, stops=True)


def _with_image(
    path: str, webjob: WebJob, config: OperatorConfig, *, image: str | None, runtime: RuntimeSettings
) -> Program:
    """Return the program of a file: what runs it, in which image, on which kind of node."""
    known, said = scripts.entrypoint(path), _choice(webjob)
    if runtime.command:
        # Its directory counts, and its runtime where no image is named. It says itself what runs it here.
        selected = known if known and known.has_shell else Selected(path=path, host=_COMMAND)
        if image is None and said is None and selected.host is _COMMAND:
            raise Unrunnable(
                "NoRuntime", f"No image is known for {path}. Set image beside command in settings.job, or spec.image."
            )
        picked = None if image else _picked(said or _by_extension(selected), config)
        return Program(image=image or (picked.image if picked else ""), script=selected, picked=picked)
    if known is None:
        raise Unrunnable(
            "UnknownScript",
            f"No interpreter is known for {path}. Use .sh, .py, .js, .php, .ps1, .fsx, .jar, .cmd, .bat or .exe, or "
            "set image and command in settings.job.",
        )
    if known.host.runtime is None:
        raise Unrunnable(
            "UnknownScript", f"Nothing runs {path} any more. Give the package a run.sh, run.py or run.ps1."
        )
    nodes = config.runtimes.get(windows.RUNTIME) if known.host is scripts.WINDOWS else None
    if nodes and (config.prefer_windows_nodes or said is None or said.problem):
        return Program(image=image or nodes.image, script=known, on_windows=True)
    if said is None and known.host is scripts.WINDOWS:
        raise Unrunnable(
            "WindowsOnly",
            f"{path} was uploaded when files for Windows did not run here, so that nobody knows what it needs. Upload "
            "the package again.",
        )
    choice = said or _by_extension(known)
    if choice.problem:
        raise Unrunnable(choice.problem.reason, choice.problem.message)
    picked = None if image else _picked(choice, config)
    return Program(image=image or (picked.image if picked else ""), script=known, choice=choice, picked=picked)


def _choice(webjob: WebJob) -> PackageProgram | None:
    """Return what runs a WebJob's files, as they say; None: nobody has looked into them."""
    spec = webjob.spec
    if spec.package:
        return spec.package.program
    return _of_script(spec.script.file_name, spec.script.text) if spec.script else None


_CHOSEN: LRUCache[tuple[str, bytes], PackageProgram | None] = LRUCache(1024)
"""What runs inline scripts, by file name and digest of the text; every pass over a WebJob asks for it."""


def _of_script(file_name: str, text: str) -> PackageProgram | None:
    content = text.encode()
    key = file_name, sha256(content).digest()
    if key not in _CHOSEN:
        _CHOSEN[key] = program_of([file_name], lambda _: content)
    return _CHOSEN[key]


def _by_extension(selected: Selected) -> PackageProgram:
    """Return what runs a script of which nothing but its name is known."""
    return PackageProgram(
        host=selected.host.name,
        runtime=NeededRuntime(name=selected.host.runtime or "sh"),
        command=selected.words,
        why=f"The name of {selected.path} says so.",
    )


def _picked(choice: PackageProgram, config: OperatorConfig) -> Picked:
    needs = [Need(runtime=one.name, version=one.version) for one in choice.runtimes]
    found = pick(needs, config.runtimes, config.combined_runtimes)
    if isinstance(found, Problem):
        raise Unrunnable(found.reason, found.message)
    return found


def _with_files(program: Program, webjob: WebJob) -> Program:
    """Return a program with the way in which its files get into the pod."""
    package = webjob.spec.package
    if package and not packages.is_inline(size=package.size, files=package.files):
        if program.on_windows:
            raise Unrunnable(
                "TooLargeForWindows",
                f"The package has {package.size} bytes in {package.files} files; pods on Windows nodes get "
                "512 KiB at most. Make it smaller, or build an image of it.",
            )
        program = replace(program, fetch_digest=package.digest)
        if not program.is_translated:
            return program
    digest = _content_digest(webjob)
    if program.is_translated:  # another script may come of the same file when the translator changes
        digest = sha256(f"{digest} {batch.revision()}".encode()).hexdigest()
    return replace(program, config_map=f"{webjob.metadata.name}-{digest[:10]}")


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
