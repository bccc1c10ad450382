"""X.runtimeconfig.json and X.deps.json."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.runtimes.dotnet import BadConfig, Framework, as_portable, read_config, read_dependencies

CORE = Framework(name="Microsoft.NETCore.App", version="8.0.0")


@pytest.mark.parametrize(
    ("text", "frameworks", "self_contained"),
    [
        pytest.param(
            '{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"8.0.0"}}}',
            (CORE,),
            False,
            id="one",
        ),
        pytest.param(
            '{"runtimeOptions":{"frameworks":[{"name":"Microsoft.NETCore.App","version":"8.0.0"},'
            '{"name":"Microsoft.AspNetCore.App","version":"8.0.1"}]}}',
            (CORE, Framework(name="Microsoft.AspNetCore.App", version="8.0.1")),
            False,
            id="two",
        ),
        pytest.param(
            '{"runtimeOptions":{"includedFrameworks":[{"name":"Microsoft.NETCore.App","version":"8.0.0"}]}}',
            (CORE,),
            True,
            id="brings its own",
        ),
        pytest.param('{"runtimeOptions":{}}', (), True, id="brings its own, before .NET Core 3"),
        pytest.param(
            '\ufeff{ // made by hand\n"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", /**/ '
            '"version": "8.0.0",},},}',
            (CORE,),
            False,
            id="mark, comments, commas",
        ),
        pytest.param(
            '{"runtimeOptions":{"framework":{"name":"X"}}}', (Framework(name="X", version=""),), False, id="no version"
        ),
    ],
)
def test_config(text: str, frameworks: tuple[Framework, ...], self_contained: bool) -> None:
    found = read_config("X.runtimeconfig.json", text.encode())
    assert (found.frameworks, found.self_contained) == (frameworks, self_contained)


def test_the_framework_of_the_web_picks_the_runtime() -> None:
    frameworks = [{"name": name, "version": "9.0.0"} for name in ("Microsoft.NETCore.App", "Microsoft.AspNetCore.App")]
    found = read_config("X", json.dumps({"runtimeOptions": {"frameworks": frameworks}}).encode())
    assert found.main == Framework(name="Microsoft.AspNetCore.App", version="9.0.0")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no JSON object"),
        ("[]", "holds no JSON object"),
        ("{", "is no JSON: line 1, column 2"),
        ("{}", "runtimeOptions is missing"),
        ('{"runtimeOptions": []}', "runtimeOptions is missing, or no object"),
        ('{"runtimeOptions": {"framework": "8"}}', "runtimeOptions.framework is no object"),
        ('{"runtimeOptions": {"frameworks": {}}}', "runtimeOptions.frameworks is no list"),
        ('{"runtimeOptions": {"framework": {"name": 8}}}', "runtimeOptions.framework has no name"),
        (
            '{"runtimeOptions": {"frameworks": [{"name": "X", "version": 8}]}}',
            "runtimeOptions.frameworks[0] has no name",
        ),
        ('{"runtimeOptions": {"includedFrameworks": [null]}}', "runtimeOptions.includedFrameworks[0] has no name"),
    ],
)
def test_bad_config(text: str, says: str) -> None:
    with pytest.raises(BadConfig) as error:
        read_config("in/X.runtimeconfig.json", text.encode())
    assert str(error.value).startswith("in/X.runtimeconfig.json")
    assert says in str(error.value)


DEPENDENCIES = {
    "runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/win-x64", "signature": ""},
    "targets": {
        ".NETCoreApp,Version=v8.0": {},
        ".NETCoreApp,Version=v8.0/win-x64": {
            "App/1.0.0": {"dependencies": {"Lib": "1.0.0"}, "runtime": {"App.dll": {}}},
            "runtimepack.Microsoft.NETCore.App.Runtime.win-x64/8.0.11": {
                "runtime": {"System.Console.dll": {}},
                "native": {"coreclr.dll": {}},
            },
            "Lib/1.0.0": {
                "runtime": {"lib/netstandard2.0/Lib.dll": {}},
                "resources": {"lib/netstandard2.0/de/Lib.resources.dll": {"locale": "de"}},
            },
        },
    },
    "libraries": {
        "App/1.0.0": {"type": "project"},
        "runtimepack.Microsoft.NETCore.App.Runtime.win-x64/8.0.11": {"type": "runtimepack"},
        "Lib/1.0.0": {"type": "package"},
    },
}


def test_dependencies() -> None:
    found = read_dependencies("App.deps.json", json.dumps(DEPENDENCIES).encode())
    assert found.rid == "win-x64"
    assert found.assemblies == ("App.dll", "Lib.dll", "de/Lib.resources.dll")
    assert found.framework_files == {"System.Console.dll", "coreclr.dll"}
    assert found.windows_packages == ()


@pytest.mark.parametrize(
    ("target", "parts", "expected"),
    [
        ("net8.0/win-x64", {"native": {"runtimes/win-x64/native/sni.dll": {}}}, ("Sql",)),
        ("net8.0/win-x64", {"runtime": {"runtimes/win/lib/net8.0/Sql.dll": {}}}, ("Sql",)),
        ("net8.0/win-x64", {"runtime": {"lib/net8.0/Sql.dll": {}}}, ()),
        ("net8.0/linux-x64", {"native": {"runtimes/linux-x64/native/sql.so": {}}}, ()),
        ("net8.0", {"runtimeTargets": {"runtimes/win/native/sni.dll": {}}}, ()),
    ],
)
def test_packages_for_windows(target: str, parts: object, expected: tuple[str, ...]) -> None:
    content = {"runtimeTarget": {"name": target}, "targets": {target: {"Sql/4.8": parts}}, "libraries": {"Sql/4.8": 1}}
    assert read_dependencies("X", json.dumps(content).encode()).windows_packages == expected


def test_a_self_contained_program_becomes_a_portable_one() -> None:
    options = {
        "tfm": "net8.0",
        "includedFrameworks": [{"name": "Microsoft.NETCore.App", "version": "8.0.11"}],
        "configProperties": {"System.GC.Server": True},
    }
    config = read_config("X", json.dumps({"runtimeOptions": options}).encode())
    made, listed = as_portable("App", config, ("App.dll", "Lib.dll", "de/Lib.resources.dll"))
    again = read_config("X", made.encode())
    assert (again.frameworks, again.self_contained) == ((CORE,), False)  # any patch of the image will do
    assert again.options["configProperties"] == {"System.GC.Server": True}
    dependencies = read_dependencies("X", listed.encode())
    assert dependencies.assemblies == ("App.dll", "Lib.dll", "de/Lib.resources.dll")


_NAMES = [
    *("runtimeOptions", "framework", "frameworks", "includedFrameworks", "name", "version", "targets"),
    *("runtimeTarget", "libraries", "runtime", "native", "resources", "type"),
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=3), inner),
)


@given(st.binary() | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_content_is_read_or_refused(content: bytes) -> None:
    for reader in (read_config, read_dependencies):
        with suppress(BadConfig):
            reader("X.json", content)
