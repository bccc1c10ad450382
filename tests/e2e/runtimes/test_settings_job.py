"""The runtime that settings.job picks, in real pods."""

from __future__ import annotations

import json
from typing import Any

from tests.site import Site, eventually, zip_of

PROGRAM = "import sys\nprint('dev', sys.flags.dev_mode, sys.argv[1:])\n"


def ready(site: Site, name: str) -> dict[str, Any]:
    conditions = site.object("wj", name)["status"]["conditions"]
    (found,) = (one for one in conditions if one["type"] == "Ready")
    condition: dict[str, Any] = found
    return condition


def test_a_zip_for_windows_runs_by_the_command_in_its_settings(site: Site) -> None:
    settings = {
        "image": site.stack.image,
        "command": "python3 -X dev tool.py",
        "cpu": 0.25,
        "memory": "96Mi",
        "mine": [1],
    }
    files = {"run.cmd": "tool.exe %*\r\n", "tool.py": PROGRAM, "settings.job": json.dumps(settings)}
    assert site.upload("picked", zip_of(files)).status_code == 200
    run = site.ended(site.run("picked", '"one word"').headers["Location"])
    assert run["status"] == "Success"
    assert "dev True ['one word']" in site.log(run)
    (pod,) = site.objects("pod", "webjobs.dev/webjob=picked")
    (container,) = pod["spec"]["containers"]
    assert container["image"] == site.stack.image
    for kind in ("requests", "limits"):
        assert container["resources"][kind] == {"cpu": "250m", "memory": "96Mi"}
    url = "/api/triggeredwebjobs/picked"
    assert site.http.get(url).json()["settings"] == settings

    assert site.http.put(f"{url}/settings", json=settings | {"memory": "lots"}).status_code == 200
    condition = eventually(
        lambda: found if (found := ready(site, "picked"))["status"] == "False" else None, what="the condition"
    )
    assert condition["reason"] == "InvalidSettings"
    assert condition["message"].startswith("settings.job: memory can't be 'lots'. Write bytes with a unit")
    assert site.http.put(f"{url}/settings", json=settings | {"memory": "1Gi", "command": "python3 run.cmd"}).is_success
    eventually(lambda: ready(site, "picked")["status"] == "True", what="the end of the condition")
    run = site.ended(site.run("picked").headers["Location"])
    assert run["status"] == "Failed", "Python can't read a batch file"
    assert "SyntaxError" in site.log(run)
    assert site.http.delete(url).status_code == 200
