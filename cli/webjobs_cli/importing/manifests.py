"""Jobs as Kubernetes objects and packages."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from webjobs import names
from webjobs.model import API_VERSION, Script, scripts
from webjobs.model.site import app_settings
from webjobs.objects import Object
from webjobs_cli import pack
from webjobs_cli.importing.layout import without_mirrors
from webjobs_cli.importing.model import SourceJob
from webjobs_cli.importing.plan import Key, key
from webjobs_cli.pack import LocalFile

SETTINGS_FILE = f"manifests/{app_settings.SECRET}.yaml"
"""Path of the manifest with the settings of a site, below the target folder."""
_INLINE_CHARACTERS = 262_144
"""Most characters that ``spec.script.text`` takes."""


def object_names(jobs: Sequence[SourceJob]) -> dict[Key, str]:
    """Return a name for the object of each job, in the order of the jobs; no two get one."""
    found: dict[Key, str] = {}
    for job in jobs:
        if not job.problem:
            plain, qualified = names.candidates(job.name, job.job_type)
            found[key(job)] = qualified if plain in found.values() else plain
    return found


def inline_script(job: SourceJob) -> Object | None:
    """Return the script in a manifest, for a job that is one script of moderate size; None for any other."""
    files = without_mirrors(job.files, job.job_type)
    selected = scripts.select_script(files)
    if len(files) != 1 or selected is None or selected.directory != "." or len(job.files) - len(files) > 2:
        return None
    file = files[selected.path]
    if file.size > 4 * _INLINE_CHARACTERS:
        return None
    try:
        text = file.source.read_bytes().decode()
    except UnicodeDecodeError:
        return None
    if len(text) > _INLINE_CHARACTERS or "\0" in text:
        return None
    try:
        return Script(file_name=selected.path, text=text).to_wire()
    except ValueError:  # a name that a manifest does not take
        return None


def package_of(job: SourceJob) -> Object:
    """Return ``spec.package`` as it is after an upload of ``archive``."""
    manifest = pack.manifest(job.files)
    selected = scripts.select_script(job.files)
    program = pack.program_of(job.files)
    return {
        "digest": manifest.digest,
        "entrypoint": selected.path if selected else "",
        "size": manifest.size,
        "files": len(manifest.files),
        **({"program": program.to_wire()} if program else {}),
    }


def webjob(job: SourceJob, object_name: str, *, namespace: str | None = None) -> Object:
    """Return the WebJob of a job as a manifest."""
    spec: Object = {"type": job.job_type}
    if job.name != object_name:
        spec["jobName"] = job.name
    _fill(spec, job)
    meta = {"name": object_name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": API_VERSION, "kind": "WebJob", "metadata": meta, "spec": spec}


def changed(raw: Object, job: SourceJob) -> Object:
    """Return a WebJob that is there, with files, settings and state of the job; all else stays."""
    spec = dict(raw["spec"])
    keeps_package = (spec.get("package") or {}).get("digest") == package_of(job)["digest"]
    for field in ("script", "settings", "stopped", *(() if keeps_package else ("package",))):
        spec.pop(field, None)
    _fill(spec, job, keeps_package=keeps_package)
    return {"apiVersion": API_VERSION, "kind": "WebJob"} | raw | {"spec": spec}


def _fill(spec: Object, job: SourceJob, *, keeps_package: bool = False) -> None:
    script = inline_script(job)
    if not keeps_package:
        spec.update({"script": script} if script else {"package": package_of(job)})
    if job.settings:
        spec["settings"] = job.settings
    if job.stopped:
        spec["stopped"] = True


def digests_of(spec: Mapping[str, Any]) -> dict[str, str] | None:
    """Return sha256 of the files of a WebJob by path, as far as its spec says; None for a package."""
    if spec.get("package"):
        return None
    script = spec.get("script")
    return {script["fileName"]: sha256(script["text"].encode()).hexdigest()} if script else {}


def files_of(job: SourceJob, object_name: str) -> dict[str, bytes]:
    """Return the files of a job by path: its manifest and, if that does not hold the job's files, their zip."""
    found = {f"manifests/{object_name}.yaml": to_yaml(webjob(job, object_name))}
    if inline_script(job) is None:
        found[f"packages/{job.job_type}/{object_name}.zip"] = archive(job.files)
    return found


def archive(files: Mapping[str, LocalFile]) -> bytes:
    """Return a zip of files."""
    out = io.BytesIO()
    pack.write_zip(out, files)
    return out.getvalue()


def settings_secret(values: Mapping[str, str]) -> Object:
    """Return the Secret with the settings of a site, as texts that a person can read and change."""
    meta: Object = {"name": app_settings.SECRET, "labels": dict(app_settings.LABELS)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "stringData": dict(values)}


def read_settings(path: Path) -> dict[str, str]:
    """Return the settings in the manifest of a Secret; empty when there is no file, or it is something else.

    A ConfigMap, as earlier versions wrote it, is read too.
    """
    try:
        found = yaml.safe_load(path.read_bytes())
        values = found["data"] if found["kind"] == "ConfigMap" else found["stringData"]
        return {str(name): str(value) for name, value in values.items()}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return {}


def to_yaml(manifest: Object) -> bytes:
    """Return a manifest as a file."""
    return yaml.dump(manifest, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=120).encode()


class _Readable(yaml.SafeDumper):
    """A YAML writer that puts scripts as blocks of lines, where YAML can hold them so."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _text)
