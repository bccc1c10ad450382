"""The connection strings of a site: app settings whose names begin with the prefix of their type. Pure.

App Service gives a connection string to a process as a variable with that prefix, and so it is kept here: the name of
the variable is the key in the Secret of the app settings. Pods get both kinds alike, and nothing else knows of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from webjobs.model.site.site_settings import linux_name

PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "SQLServer": "SQLCONNSTR_",
        "SQLAzure": "SQLAZURECONNSTR_",
        "MySql": "MYSQLCONNSTR_",
        "PostgreSQL": "POSTGRESQLCONNSTR_",
        "Custom": "CUSTOMCONNSTR_",
        "NotificationHub": "NOTIFICATIONHUBCONNSTR_",
        "ServiceBus": "SERVICEBUSCONNSTR_",
        "EventHub": "EVENTHUBCONNSTR_",
        "ApiHub": "APIHUBCONNSTR_",
        "DocDb": "DOCDBCONNSTR_",
        "RedisCache": "REDISCACHECONNSTR_",
    }
)
"""Prefixes of keys by the types of connection strings, as ARM spells them. None is the beginning of another."""
_TYPES = {name.lower(): name for name in PREFIXES}


@dataclass(frozen=True, kw_only=True)
class ConnectionString:
    """A connection string of a site, without its name."""

    type: str
    """Type, one of those of ``PREFIXES``."""
    value: str = field(repr=False)
    """Text of the connection string, which holds passwords."""


def type_of(text: str) -> str | None:
    """Return the type that a text names, in any case, as ARM spells it; None for no type."""
    return _TYPES.get(text.lower())


def key_of(type_: str, name: str) -> str | None:
    """Return the key under which a connection string lies; None for a name that can't be a part of one.

    ``type_``: one of those of ``PREFIXES``. A colon in the name becomes two underscores, as on Linux.
    """
    return linux_name(PREFIXES[type_] + name) if name else None


def split(key: str) -> tuple[str, str] | None:
    """Return type and name of the connection string that a key stands for; None for an app setting.

    Case counts, as it does for variables on Linux. A prefix without a name after it is an app setting.
    """
    for type_, prefix in PREFIXES.items():
        if key.startswith(prefix) and key != prefix:
            return type_, key.removeprefix(prefix)
    return None


def app_settings_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the app settings among what the store holds (by key): what is no connection string."""
    return {key: value for key, value in values.items() if split(key) is None}


def connection_strings_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the connection strings among what the store holds (by key), by key."""
    return {key: value for key, value in values.items() if split(key) is not None}


def by_name(values: Mapping[str, str]) -> dict[str, ConnectionString]:
    """Return the connection strings among what the store holds (by key), by their names.

    Raises Ambiguous when two types have one name, which ARM has no way to say.
    """
    found: dict[str, ConnectionString] = {}
    for key, value in values.items():
        if (parts := split(key)) is None:
            continue
        type_, name = parts
        if name in found:
            raise Ambiguous(PREFIXES[found[name].type] + name, key)
        found[name] = ConnectionString(type=type_, value=value)
    return found


class Ambiguous(ValueError):
    """Two connection strings of different types with one name; ``keys`` are theirs."""

    def __init__(self, *keys: str) -> None:
        super().__init__(" and ".join(keys))
        self.keys = keys
