"""Parked records for people and for programs; their bytes are anybody's, so nothing in them is obeyed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from rich.table import Table
from rich.text import Text
from shared.runtime.console import out

STATES: Mapping[str, str] = {
    "counted": "已计入 · counted",
    "dropped": "已丢弃 · dropped",
    "parked": "仍搁置 · still parked",
    "waiting": "等待处理 · not tried yet",
}


def document(row: asyncpg.Record) -> dict[str, Any]:
    """A row for programs: bytes in base 64, the value also as text when it is some, hashes in hex."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name == "headers":
            found[name] = _headers(value)
        elif name == "value_sha256":
            found[name] = None if value is None else value.hex()
        elif isinstance(value, bytes):
            found[name] = _text_of(value)
            found[f"{name}_base64"] = base64.b64encode(value).decode()
        else:
            found[name] = value
    return found


def show_list(rows: Sequence[asyncpg.Record]) -> None:
    """A table of what is parked."""
    if not rows:
        out.print("没有搁置的记录 · nothing is parked")
        return
    table = Table("时间", "位置", "原因", "重试")
    for row in rows:
        tried = str(row["attempts"] or "")
        table.add_row(_time(row["parked_at"]), _place(row), _plain(_why(row)), tried)
    out.print(table)


def show_one(row: asyncpg.Record) -> None:
    """All that is known of one record; its value last, with what a terminal would obey spelled out."""
    resolved = "resolution" in row
    table = Table(show_header=False, box=None)
    table.add_row("位置", _place(row))
    table.add_row("原因", _plain(_why(row)))
    table.add_row("搁置于", _time(row["parked_at"]))
    table.add_row("重试", str(row["attempts"]))
    if resolved:
        fate = f" ({row['fate']})" if row["fate"] else ""
        table.add_row("处理", f"{STATES[row['resolution']]}{fate}")
        table.add_row("处理人", _plain(f"{row['actor']} {_time(row['resolved_at'])}"))
        if row["reason"]:
            table.add_row("理由", _plain(row["reason"]))
    else:
        table.add_row("键", _plain(_readable(row["key"])))
        for name, value in json.loads(row["headers"]):
            table.add_row("标头", _plain(f"{name}: {_readable(base64.b64decode(value))}"))
    table.add_row("SHA-256", _hex(row["value_sha256"]))
    out.print(table)
    if not resolved:
        out.print(_plain(_readable(row["value"])), soft_wrap=True)


def show_retried(found: Sequence[Mapping[str, Any]]) -> None:
    """What became of each record that was tried again."""
    table = Table("位置", "结果", "说明")
    for one in found:
        said = (_why(one) if "code" in one else one.get("fate")) or ""
        table.add_row(one["place"], STATES[one["state"]], _plain(said))
    out.print(table)
    if any(one["state"] == "waiting" for one in found):
        out.print("运行中的评分服务会处理；稍后再看 · a running service will try them: look again later")


def show_dropped(rows: Sequence[asyncpg.Record], actor: str) -> None:
    """What was given up."""
    table = Table("位置", "原因", "SHA-256")
    for row in rows:
        table.add_row(_place(row), row["code"], _hex(row["value_sha256"]))
    out.print(table)
    out.print(_plain(f"{len(rows)} 条已由 {actor} 丢弃，字节仍在主题中 · dropped; the topic keeps the bytes"))


def _place(row: asyncpg.Record) -> str:
    return f"{row['topic']}/{row['partition']}/{row['offset']}"


def _why(row: Mapping[str, Any] | asyncpg.Record) -> str:
    """Code and detail; most details begin with the code."""
    code, detail = row["code"], row["detail"]
    return detail if detail.startswith(code) else f"{code} {detail}"


def _time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"


def _hex(digest: bytes | None) -> str:
    return "—" if digest is None else digest.hex()


def _headers(stored: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "value": _text_of(base64.b64decode(value)), "value_base64": value}
        for name, value in json.loads(stored)
    ]


def _text_of(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _readable(value: bytes | None) -> str:
    return "—" if value is None else value.decode(errors="backslashreplace")


def _plain(text: str) -> Text:
    """Text without markup or commands to the terminal."""
    return Text("".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text))
