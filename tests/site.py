"""What tests do to a site: REST calls as an existing client makes them, kubectl, and waiting with a bound."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from tests import stack as stacks

T = TypeVar("T")


def zip_of(files: Mapping[str, str | bytes]) -> bytes:
    """A zip with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def shell(text: str) -> dict[str, Any]:
    """A script in the spec of a WebJob."""
    return {"script": {"fileName": "run.sh", "text": text}}


def eventually(look: Callable[[], T | None], *, seconds: float = 30, what: str = "it") -> T:
    """Return the first result that is not None or False; AssertionError when there is none in time.

    A field that is not there yet (LookupError) is no result: an object is seen before its first status is written.
    """
    deadline = time.monotonic() + seconds
    while True:
        lacks: LookupError | None = None
        try:
            if found := look():
                return found
        except LookupError as error:
            lacks = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s") from lacks
        time.sleep(0.1)


class Site:
    """One site of a stack."""

    def __init__(self, stack: stacks.Stack) -> None:
        self.stack = stack
        self.http = httpx.Client(base_url=stack.url, auth=(stack.user, stack.password), timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def kubectl(self, *arguments: str, stdin: str | None = None, namespace: str | None = stacks.SITE) -> str:
        """kubectl in the site's namespace."""
        where = ["--namespace", namespace] if namespace else []
        return stacks.kubectl(self.stack.kubeconfig, *where, *arguments, stdin=stdin)

    def object(self, kind: str, name: str) -> dict[str, Any]:
        """One object of the site's namespace."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        return found

    def objects(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """Objects of the site's namespace."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "-l", selector, "-o", "json"))["items"]
        return found

    def empty_secrets(self) -> None:
        """Take app settings and hooks away; their Secrets stay, for the shim may make none."""
        for name in ("webjobs-settings", "webjobs-hooks"):
            self.kubectl("patch", f"secret/{name}", "--type=merge", "-p", '{"data": null}')

    def pods(self, webjob: str) -> list[dict[str, Any]]:
        """Pods of a WebJob, oldest first."""
        found = self.objects("pod", f"webjobs.dev/webjob={webjob}")
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def apply(self, name: str, spec: dict[str, Any], *, kind: str = "WebJob") -> None:
        """Applies a WebJob."""
        manifest = {"apiVersion": "webjobs.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def apply_all(self, *manifests: dict[str, Any]) -> None:
        """Applies objects of any kind, each in the namespace that it names."""
        stacks.apply(self.stack.kubeconfig, *manifests)

    def create_run(self, webjob: str, **spec: Any) -> str:
        """Creates a WebJobRun as kubectl does; gives its name."""
        manifest = {
            "apiVersion": "webjobs.dev/v1",
            "kind": "WebJobRun",
            "metadata": {"generateName": f"{webjob}-"},
            "spec": {"webJobName": webjob} | spec,
        }
        return self.kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(manifest)).strip().rpartition("/")[2]

    def upload(
        self, name: str, content: bytes, *, kind: str = "triggered", file_name: str = "job.zip", zipped: bool = True
    ) -> httpx.Response:
        """PUT of a zip or script."""
        headers = {
            "Content-Disposition": f"attachment; filename={file_name}",
            "Content-Type": "application/zip" if zipped else "application/octet-stream",
        }
        return self.http.put(f"/api/{kind}webjobs/{name}", content=content, headers=headers)

    def put_script(self, name: str, text: str, *, file_name: str = "run.sh", kind: str = "triggered") -> None:
        """Uploads one script, which must succeed."""
        answer = self.upload(name, text.encode(), kind=kind, file_name=file_name, zipped=False)
        assert answer.status_code == 200, answer.text

    def run(self, name: str, arguments: str | None = None) -> httpx.Response:
        """POST run."""
        return self.http.post(f"/api/triggeredwebjobs/{name}/run", params={"arguments": arguments} if arguments else {})

    def ended(self, location: str, *, seconds: float = 60) -> dict[str, Any]:
        """The run behind a Location once it has ended."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.http.get(location).json()
            return found if found["status"] not in ("Initializing", "Running") else None

        return eventually(look, seconds=seconds, what=f"the end of {location}")

    def log(self, run: Mapping[str, Any]) -> str:
        """Output log of a run, by the URL in its body."""
        answer = self.http.get(run["output_url"])
        assert answer.status_code == 200, answer.text
        return answer.text
