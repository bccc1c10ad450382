"""Real programs for Windows on Linux nodes: one assembly as .NET and as .NET Framework, and a native one under Wine.

Each as Visual Studio and the .NET SDK would put it into a zip: with a run.cmd, and by its .exe alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests import runtimes
from tests.site import Site, eventually, zip_of

ARGUMENTS = '"two words" --env WEBJOBS_NAME --read lib/text.txt --error "to stderr" --exit 7'


def files_of(name: str, runtime: str) -> dict[str, str | bytes]:
    """A program as its package holds it. ``name``: Report or Host."""
    kinds = {"wine": ("native",), "mono": ("",), "dotnet": ("net", "native")}[runtime]
    found: dict[str, str | bytes] = {}
    for kind in kinds:  # dotnet publish writes a native starter beside the library
        found |= runtimes.program("-".join(filter(None, [name.lower(), kind])))
    return found


def batch(name: str, runtime: str, way: str) -> dict[str, str | bytes]:
    line = f"dotnet {name}.dll %*" if way == "library" else f"{name}.exe %*"
    return {} if way == "program" else {"run.cmd": f"@echo off\r\n{line}\r\n"}


def told(site: Site, name: str) -> dict[str, Any]:
    found: dict[str, Any] = site.object("wj", name)["status"]["program"]
    return found


WAYS = [
    *(("dotnet", way) for way in ("batch", "library", "program")),
    *(("mono", way) for way in ("batch", "program")),
    *(("wine", way) for way in ("batch", "program")),
]


@pytest.mark.parametrize(("runtime", "way"), WAYS, ids=["-".join(way) for way in WAYS])
def test_a_triggered_program(prepared: Site, images: dict[str, str], runtime: str, way: str) -> None:
    """Arguments, environment, files, both streams and the exit code are as on Windows."""
    site, name = prepared, f"report-{runtime}-{way}"
    files = files_of("Report", runtime) | batch("Report", runtime, way) | {"lib/text.txt": "from a file\n"}
    assert site.upload(name, zip_of(files)).status_code == 200
    run = site.ended(site.run(name, ARGUMENTS).headers["Location"], seconds=120)
    log = site.log(run)
    program = told(site, name)
    assert (program["runtime"], program["image"]) == (runtime, images[runtime]), program
    assert program["why"] in log, "the log says what runs it"
    for line in ("[two words]", f"WEBJOBS_NAME={name}", "from a file", "to stderr"):
        assert f"] {line}\r\n" in log, log
    assert run["status"] == "Failed"
    assert "Job failed due to exit code 7" in log
    site.http.delete(f"/api/triggeredwebjobs/{name}")


@pytest.mark.parametrize(("runtime", "way"), WAYS, ids=["-".join(way) for way in WAYS])
def test_a_continuous_program_stops_when_asked(prepared: Site, runtime: str, way: str) -> None:
    """It reads the shutdown file, as the WebJobs SDK's host does, and ends by itself before it is killed."""
    site, name = prepared, f"host-{runtime}-{way}"
    files = files_of("Host", runtime) | batch("Host", runtime, way) | {"settings.job": '{"stopping_wait_time": 20}'}
    assert site.upload(name, zip_of(files), kind="continuous").status_code == 200
    path = f"/api/vfs/data/jobs/continuous/{name}/job_log.txt"
    eventually(lambda: "INFO] started" in site.http.get(path).text, seconds=120, what="its first line")
    assert site.http.post(f"/api/continuouswebjobs/{name}/stop").status_code == 200
    eventually(lambda: "INFO] stopping" in site.http.get(path).text, seconds=60, what="its last line")
    log = eventually(
        lambda: text if "Status changed to Stopped" in (text := site.http.get(path).text) else None,
        seconds=60,
        what="its end",
    )
    assert "exit code 137" not in log, "nobody had to kill it"
    site.http.delete(f"/api/continuouswebjobs/{name}")


def test_a_version_that_no_image_has(prepared: Site) -> None:
    site = prepared
    files = files_of("Report", "dotnet")
    config = str(bytes(files["Report.runtimeconfig.json"]), "ascii")  # type: ignore[arg-type]
    files["Report.runtimeconfig.json"] = config.replace("3.1.0", "99.0.0")
    assert site.upload("newer", zip_of(files)).status_code == 200
    ready = eventually(
        lambda: next(one for one in site.object("wj", "newer")["status"]["conditions"] if one["status"] == "False"),
        what="the condition",
    )
    assert ready["reason"] == "NoRuntimeVersion"
    assert "runtimes.dotnet.versions" in ready["message"]
    site.http.delete("/api/triggeredwebjobs/newer")
