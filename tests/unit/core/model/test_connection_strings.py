"""Connection strings: types and names as keys of the app settings, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.model.site.connection_strings import (
    PREFIXES,
    Ambiguous,
    ConnectionString,
    app_settings_of,
    by_name,
    connection_strings_of,
    key_of,
    split,
    type_of,
)
from webjobs.model.site.site_settings import NAME

KEYS = st.from_regex(NAME, fullmatch=True)
TYPES = st.sampled_from(sorted(PREFIXES))


@pytest.mark.parametrize(
    ("type_", "name", "key"),
    [
        ("SQLServer", "db", "SQLCONNSTR_db"),
        ("SQLAzure", "db", "SQLAZURECONNSTR_db"),
        ("MySql", "db", "MYSQLCONNSTR_db"),
        ("PostgreSQL", "db", "POSTGRESQLCONNSTR_db"),
        ("Custom", "AzureWebJobsStorage", "CUSTOMCONNSTR_AzureWebJobsStorage"),
        ("NotificationHub", "n", "NOTIFICATIONHUBCONNSTR_n"),
        ("ServiceBus", "n", "SERVICEBUSCONNSTR_n"),
        ("EventHub", "n", "EVENTHUBCONNSTR_n"),
        ("ApiHub", "n", "APIHUBCONNSTR_n"),
        ("DocDb", "n", "DOCDBCONNSTR_n"),
        ("RedisCache", "n", "REDISCACHECONNSTR_n"),
        ("Custom", "Shop.Main-2", "CUSTOMCONNSTR_Shop.Main-2"),
        ("Custom", "1", "CUSTOMCONNSTR_1"),
        ("Custom", "SQLCONNSTR_x", "CUSTOMCONNSTR_SQLCONNSTR_x"),
    ],
)
def test_keys(type_: str, name: str, key: str) -> None:
    assert key_of(type_, name) == key
    assert split(key) == (type_, name)


@pytest.mark.parametrize("name", ["", "a b", "ä", "a=b", "a/b", "a\n", "x" * 250])
def test_names_that_the_store_can_not_hold(name: str) -> None:
    assert key_of("Custom", name) is None


def test_a_colon_is_two_underscores() -> None:
    assert key_of("SQLAzure", "Shop:Main") == "SQLAZURECONNSTR_Shop__Main"


@pytest.mark.parametrize(
    "key", ["db", "", "SQLCONNSTR", "SQLCONNSTR_", "sqlconnstr_db", "XSQLCONNSTR_db", "CONNSTR_db", "OTHERCONNSTR_db"]
)
def test_app_settings(key: str) -> None:
    assert split(key) is None


@pytest.mark.parametrize(
    ("text", "type_"),
    [("SQLAzure", "SQLAzure"), ("sqlazure", "SQLAzure"), ("CUSTOM", "Custom"), ("mysql", "MySql"), ("Oracle", None)],
)
def test_types(text: str, type_: str | None) -> None:
    assert type_of(text) == type_


def test_no_prefix_begins_another() -> None:
    prefixes = list(PREFIXES.values())
    assert not [(one, two) for one in prefixes for two in prefixes if one != two and one.startswith(two)]


def test_by_name() -> None:
    values = {"mode": "fast", "CUSTOMCONNSTR_a": "1", "SQLCONNSTR_b": "2"}
    a, b = ConnectionString(type="Custom", value="1"), ConnectionString(type="SQLServer", value="2")
    assert by_name(values) == {"a": a, "b": b}
    with pytest.raises(Ambiguous, match="SQLCONNSTR_b and MYSQLCONNSTR_b"):
        by_name(values | {"MYSQLCONNSTR_b": "3"})


def test_a_value_is_in_no_text() -> None:
    assert "secret" not in repr(ConnectionString(type="Custom", value="secret"))


@given(TYPES, KEYS)
def test_there_and_back(type_: str, name: str) -> None:
    if (key := key_of(type_, name)) is not None:
        assert split(key) == (type_, name)
        assert NAME.fullmatch(key)


@given(KEYS | st.builds(lambda type_, name: PREFIXES[type_] + name, TYPES, KEYS))
def test_a_key_is_of_one_kind(key: str) -> None:
    parts = split(key)
    assert parts is None or key_of(*parts) in (key, None)


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    split(text)
    type_of(text)
    for type_ in PREFIXES:
        key = key_of(type_, text)
        assert key is None or (NAME.fullmatch(key) and split(key) == (type_, text.replace(":", "__")))


@given(st.dictionaries(KEYS | st.builds(lambda type_, name: PREFIXES[type_] + name, TYPES, KEYS), st.text()))
def test_both_kinds_are_all_there_is(values: dict[str, str]) -> None:
    plain, strings = app_settings_of(values), connection_strings_of(values)
    assert plain | strings == values
    assert not plain.keys() & strings.keys()
