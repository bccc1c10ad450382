"""What the pods of a job get of their site: its content, and variables that tell of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.objects import config, webjob
from webjobs.model.effective_spec import under
from webjobs.model.site.site_content import SiteContent
from webjobs.model.site.site_settings import SiteSettings
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests.folders import Folders, folders_of
from webjobs_operator.manifests.pod import pod_template
from webjobs_operator.manifests.problem import Unrunnable
from webjobs_operator.manifests.program import Program, resolve
from webjobs_operator.manifests.site import environment, of_site

CONTENT = SiteContent(digest="sha256:" + "cd" * 32, size=70_000, files=12)
IN_PLACE: dict[str, Any] = {"settings": {"is_in_place": True}}
WITH_WINDOWS = config(runtimes={"sh": {"image": "sh:1"}, "windows": {"image": "win:1"}})
ON_WINDOWS: dict[str, Any] = {"script": {"fileName": "run.cmd", "text": "echo"}}


def program_of(
    spec: dict[str, Any],
    settings: dict[str, str] | None = None,
    *,
    content: SiteContent | None = CONTENT,
    how: OperatorConfig | None = None,
) -> Program:
    how, site = how or config(), SiteSettings.read(settings or {})
    one = under(webjob(spec), site)
    return of_site(resolve(one, how), one, site=site, content=content, config=how)


@pytest.mark.parametrize(
    ("spec", "settings", "gets"),
    [
        ({}, {}, False),
        (IN_PLACE, {}, True),
        ({"settings": {"is_in_place": False}}, {}, False),
        ({"settings": {"is_in_place": "true"}}, {}, False),  # of a wrong type, as Kudu has it
        ({"siteContent": True}, {}, True),
        (IN_PLACE | {"siteContent": False}, {}, False),
        ({}, {"WEBJOBS_SITE_CONTENT": "1"}, True),
        ({"settings": {"is_in_place": False}}, {"WEBJOBS_SITE_CONTENT": "1"}, False),
        ({"siteContent": False}, {"WEBJOBS_SITE_CONTENT": "1"}, False),
        ({"type": "continuous", "siteContent": True}, {}, True),
    ],
)
def test_who_gets_the_content_of_the_site(spec: dict[str, Any], settings: dict[str, str], gets: bool) -> None:
    assert (program_of(spec, settings).site_content is CONTENT) is gets


def test_in_place_without_a_site_is_a_copy_as_ever() -> None:
    assert program_of(IN_PLACE, content=None).site_content is None
    assert program_of(ON_WINDOWS | IN_PLACE, how=WITH_WINDOWS).site_content is None


@pytest.mark.parametrize(
    ("spec", "content", "settings", "passes", "says"),
    [
        ({"siteContent": True}, None, {}, True, "/api/zipdeploy"),
        ({}, None, {"WEBJOBS_SITE_CONTENT": "true"}, True, "/api/zipdeploy"),
        (ON_WINDOWS | {"siteContent": True}, CONTENT, {}, False, "Windows nodes"),
    ],
)
def test_content_that_nobody_can_give_is_a_condition(
    spec: dict[str, Any], content: SiteContent | None, settings: dict[str, str], passes: bool, says: str
) -> None:
    with pytest.raises(Unrunnable, match=says) as told:
        program_of(spec, settings, content=content, how=WITH_WINDOWS)
    assert (told.value.reason, told.value.passes) == ("NoSiteContent", passes)


def test_the_folders_are_those_of_app_service() -> None:
    one = webjob(IN_PLACE | {"jobName": "Sync: all/now"})
    folders = folders_of(
        one, of_site(resolve(one, config()), one, site=SiteSettings(), content=CONTENT, config=config())
    )
    assert folders == Folders(
        files="/home",
        work="/home/site/wwwroot/App_Data/jobs/triggered/Sync_ all_now",
        data="/home/data/jobs/triggered/Sync_ all_now",
        home="/home",
        webroot="/home/site/wwwroot",
    )
    assert folders_of(webjob(), resolve(webjob(), config())) == Folders()


@pytest.mark.parametrize(("name", "part"), [("..", "_"), (".", "_"), ("...", "...")])
def test_no_name_leads_elsewhere(name: str, part: str) -> None:
    one = webjob(IN_PLACE | {"jobName": name})
    program = of_site(resolve(one, config()), one, site=SiteSettings(), content=CONTENT, config=config())
    assert folders_of(one, program).work == f"/home/site/wwwroot/App_Data/jobs/triggered/{part}"


def test_jobs_without_the_content_pay_nothing() -> None:
    one = webjob()
    pod = pod_template(one, program=program_of({}), config=config(), restart_policy="Never", labels={})["spec"]
    assert "initContainers" not in pod
    assert {volume["name"] for volume in pod["volumes"]} == {"work", "data", "package"}


NAMED = config(sites={"site": {"name": "shop", "host": "shop.example.com"}})


@pytest.mark.parametrize(
    ("settings", "how", "expected"),
    [
        ({}, config(), {"WEBSITE_SITE_NAME": "site"}),
        ({}, NAMED, {"WEBSITE_SITE_NAME": "shop", "WEBSITE_HOSTNAME": "shop.example.com"}),
        ({"WEBSITE_HOSTNAME": "mine"}, NAMED, {"WEBSITE_SITE_NAME": "shop"}),  # an app setting as any other
        ({"WEBSITE_SITE_NAME": "mine"}, NAMED, {"WEBSITE_HOSTNAME": "shop.example.com"}),
        (
            {"WEBSITE_TIME_ZONE": "W. Europe Standard Time"},
            config(),
            {"WEBSITE_SITE_NAME": "site", "TZ": "Europe/Berlin"},
        ),
    ],
)
def test_processes_are_told_of_their_site(
    settings: dict[str, str], how: OperatorConfig, expected: dict[str, str]
) -> None:
    assert environment(SiteSettings.read(settings), namespace="site", config=how) == expected
