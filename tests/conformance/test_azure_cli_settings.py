"""The real Azure CLI: app settings, connection strings and logs, and who may not."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from tests.conformance.azure_cloud import WHERE_SITE, Az, Cloud, cloud
from tests.site import Site, eventually, shell

READER = ("looks", "may only read, and nothing else")
SETTINGS = ("webapp", "config", "appsettings")
STRINGS = ("webapp", "config", "connection-string")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("az")


@pytest.fixture(scope="module")
def there(site: Site, folder: Path) -> Iterator[Cloud]:
    """Without a deploy password: none of this needs one."""
    reader = {"readonlyUsername": READER[0], "readonlyPassword": READER[1]}
    with cloud(site, folder, credentials=reader, after=dict.fromkeys(reader, "")) as made:
        yield made
    site.empty_secrets()


@pytest.fixture(scope="module")
def az(there: Cloud, folder: Path, site: Site) -> Az:
    return there.login(folder / "owner", site.stack.user, site.stack.password)


@pytest.fixture(scope="module")
def reader(there: Cloud, folder: Path) -> Az:
    return there.login(folder / "reader", *READER)


def seen(site: Site, name: str, command: str) -> str:
    """What a job prints."""
    site.apply(name, {"type": "triggered", **shell(command)})
    run = eventually(lambda: site.object("wj", name).get("status") and site.create_run(name), what="a run")
    state = eventually(lambda: site.object("wjr", run)["status"].get("endTime"), seconds=60, what="the end of a run")
    assert state
    return site.kubectl("logs", "-l", f"webjobs.dev/webjob={name}", "--tail=-1", "--all-containers")


def test_app_settings(site: Site, az: Az) -> None:
    az(*SETTINGS, "set", *WHERE_SITE, "--settings", "AZ_MODE=fast; and more=yes", "Shop:Mail=me")
    az(*SETTINGS, "set", *WHERE_SITE, "--settings", "AZ_OTHER=1")
    values = {one["name"]: one["value"] for one in az(*SETTINGS, "list", *WHERE_SITE)}
    assert values == {"AZ_MODE": "fast; and more=yes", "Shop__Mail": "me", "AZ_OTHER": "1"}
    az(*SETTINGS, "delete", *WHERE_SITE, "--setting-names", "AZ_OTHER", "Shop__Mail")
    assert [one["name"] for one in az(*SETTINGS, "list", *WHERE_SITE)] == ["AZ_MODE"]
    assert "mode fast; and more=yes" in seen(site, "az-settings", 'echo "mode $AZ_MODE"\n')


def test_connection_strings(site: Site, az: Az) -> None:
    """As App Service gives them to a process, and apart from the app settings."""
    az(*STRINGS, "set", *WHERE_SITE, "-t", "SQLAzure", "--settings", "db=Server=tcp:x;Password=p=q;")
    az(*STRINGS, "set", *WHERE_SITE, "-t", "Custom", "--settings", "AzureWebJobsStorage=UseDevelopmentStorage=true")
    known = {one["name"]: (one["type"], one["value"]) for one in az(*STRINGS, "list", *WHERE_SITE)}
    assert known == {
        "db": ("SQLAzure", "Server=tcp:x;Password=p=q;"),
        "AzureWebJobsStorage": ("Custom", "UseDevelopmentStorage=true"),
    }
    assert "db" not in [one["name"] for one in az(*SETTINGS, "list", *WHERE_SITE)]
    text = seen(site, "az-strings", 'echo "$SQLAZURECONNSTR_db $CUSTOMCONNSTR_AzureWebJobsStorage"\n')
    assert "Server=tcp:x;Password=p=q; UseDevelopmentStorage=true" in text
    az(*STRINGS, "delete", *WHERE_SITE, "--setting-names", "db")
    assert [one["name"] for one in az(*STRINGS, "list", *WHERE_SITE)] == ["AzureWebJobsStorage"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*SETTINGS, "set", *WHERE_SITE, "--settings", "a b=1"), "properties.a b: "),
        ((*SETTINGS, "set", *WHERE_SITE, "--settings", "SQLCONNSTR_x=1"), "properties.SQLCONNSTR_x: "),
        ((*SETTINGS, "set", *WHERE_SITE, "--slot-settings", "a=1"), "no setting can be one of a slot"),
        ((*STRINGS, "set", *WHERE_SITE, "-t", "Custom", "--settings", "a b=1"), "properties.a b: "),
    ],
)
def test_bad_input(az: Az, words: tuple[str, ...], told: str) -> None:
    done = az.run(*words)
    assert (done.returncode, told in done.stderr) == (1, True), done.stderr


def test_log_tail(site: Site, az: Az) -> None:
    site.apply("az-tail", {"type": "continuous", **shell("while sleep 1; do echo seen by tail; done\n")})
    eventually(lambda: site.object("wj", "az-tail").get("status", {}).get("state") == "Running", what="a process")
    with az.started("webapp", "log", "tail", *WHERE_SITE) as process:
        ending = Timer(90, process.kill)  # it never ends by itself
        ending.start()
        lines = []
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            if "seen by tail" in line:
                break
        ending.cancel()
    site.kubectl("delete", "wj", "az-tail")
    assert any("seen by tail" in line for line in lines), "".join(lines)


def test_log_download(site: Site, az: Az, folder: Path) -> None:
    assert "kept for az" in seen(site, "az-log", "echo kept for az\n")
    path = folder / "logs.zip"
    az("webapp", "log", "download", *WHERE_SITE, "--log-file", str(path))
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}
    assert [name for name, text in found.items() if "kept for az" in text and "az-log" in name], list(found)


def test_a_reader_is_refused(site: Site, az: Az, reader: Az, folder: Path) -> None:
    az(*SETTINGS, "set", *WHERE_SITE, "--settings", "AZ_HIDDEN=not for readers")
    path = folder / "none.zip"
    for words in (
        (*SETTINGS, "list", *WHERE_SITE),
        (*SETTINGS, "set", *WHERE_SITE, "--settings", "AZ_HIDDEN=changed"),
        (*STRINGS, "list", *WHERE_SITE),
        ("webapp", "log", "download", *WHERE_SITE, "--log-file", str(path)),
        ("webapp", "deployment", "list-publishing-credentials", *WHERE_SITE),
    ):
        done = reader.run(*words)
        assert done.returncode != 0, words
        assert "not for readers" not in done.stdout + done.stderr
    assert not path.exists()
    assert reader.webjob("triggered", "list") is not None
    kept = {one["name"]: one["value"] for one in az(*SETTINGS, "list", *WHERE_SITE)}
    assert kept["AZ_HIDDEN"] == "not for readers"
