"""Keys and persons in words: what stands in the tables of `intake keys list` and `intake people list`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table
from shared.events.access import AccessScope

from intake.topics.credentials import KnownKey, KnownPerson

ROLES: Final = {
    "officer": "社区民警",
    "station_chief": "派出所所长",
    "sub_bureau": "分局",
    "registrar": "台账员",
    "admin": "管理员",
    "operator": "运维",
    "integrator": "接入系统",
    "console": "控制台",
    "construction_bureau": "建设局",
    "community": "社区",
    "committee": "业委会",
    "developer": "开发公司",
    "company": "物业公司",
    "guard": "保安",
    "building_head": "楼道长",
}
LISTED_MAX: Final = 3
WIDTH_MAX: Final = 500


class State(StrEnum):
    """How a key stands now."""

    VALID = "valid"
    EARLY = "not yet valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


_STATES: Final = {
    State.VALID: "有效",
    State.EARLY: "未生效",
    State.EXPIRED: "已到期",
    State.REVOKED: "已吊销",
}


def state_of(key: KnownKey, now: datetime) -> State:
    """How a key stands; revoked goes before everything."""
    return _state(key.revoked_at, key.issued.valid_from, key.issued.valid_to, now)


def state_of_person(person: KnownPerson, now: datetime) -> State:
    """How a person stands, in the same way."""
    return _state(person.revoked_at, person.granted.valid_from, person.granted.valid_to, now)


def _state(revoked_at: datetime | None, begins: datetime, valid_to: datetime | None, now: datetime) -> State:
    if revoked_at is not None:
        return State.REVOKED
    if now < begins:
        return State.EARLY
    return State.EXPIRED if valid_to is not None and valid_to <= now else State.VALID


def as_json(key: KnownKey, now: datetime) -> dict[str, Any]:
    """A key for programs, without the hash of its secret."""
    document: dict[str, Any] = msgspec.to_builtins(key.issued)
    del document["secret_sha256"]
    return {**document, "state": state_of(key, now).value, "revoked_at": key.revoked_at}


def table_of(keys: Iterable[KnownKey], now: datetime, zone: ZoneInfo) -> Table:
    """One line for each key, Chinese first."""
    table = Table(title="钥匙 Keys", title_justify="left")
    table.add_column("编号 id", no_wrap=True)
    for heading in ("状态 state", "角色 roles", "范围 reaches", "单位 org", "使用人 actor", "有效至 until"):
        table.add_column(heading, overflow="fold")
    for key in keys:
        issued = key.issued
        state = state_of(key, now)
        ends = key.revoked_at or issued.valid_to
        table.add_row(
            issued.credential_id,
            _STATES[state],
            _roles(issued.roles),
            _reaches(issued.scope),
            issued.organisation or "",
            issued.actor_id + (f"（{issued.device_id}）" if issued.device_id else ""),
            "" if ends is None else ends.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        )
    return table


def people_of(people: Mapping[str, KnownPerson], now: datetime, zone: ZoneInfo) -> Table:
    """One line for each person, Chinese first."""
    table = Table(title="人员 People", title_justify="left")
    table.add_column("编号 id", no_wrap=True)
    for heading in ("状态 state", "角色 roles", "范围 reaches", "单位 org", "使用人 actor", "有效至 until"):
        table.add_column(heading, overflow="fold")
    for person, known in people.items():
        granted = known.granted
        ends = known.revoked_at or granted.valid_to
        table.add_row(
            person,
            _STATES[state_of_person(known, now)],
            _roles(granted.roles),
            _reaches(granted.scope),
            granted.organisation or "",
            granted.actor_id,
            "" if ends is None else ends.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        )
    return table


def show(table: Table, console: Console) -> None:
    """Print a table; whoever reads it from a pipe gets whole lines, however long."""
    if not console.is_terminal:
        table.width = console.measure(table, options=console.options.update(max_width=WIDTH_MAX)).maximum
    console.print(table, crop=False)


def _roles(roles: tuple[str, ...]) -> str:
    return "全部" if len(roles) == len(ROLES) else "、".join(ROLES[role] for role in roles)


def _reaches(scope: AccessScope) -> str:
    if scope.everything:
        return "全部小区"
    parts = (("小区", scope.compounds), ("社区", scope.communities), ("派出所", scope.stations))
    return "；".join(f"{word} {_listed(ids)}" for word, ids in parts if ids)


def _listed(ids: tuple[str, ...]) -> str:
    more = len(ids) - LISTED_MAX
    return "、".join(ids[:LISTED_MAX]) + (f" 等 {len(ids)} 个" if more > 0 else "")
