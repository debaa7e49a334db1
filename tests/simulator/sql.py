"""Expressions of SQL, evaluated from their own text: a condition that is gone from a statement is gone here.

Only what the statements of `shared.runtime` are made of; anything else is refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

TOKEN = re.compile(
    r"""\s*(?:
        (?P<call>now\(\)|pg_backend_pid\(\))
      | (?P<argument>\$\d+)
      | (?P<number>\d+)
      | (?P<null>IS\s+NOT\s+NULL|IS\s+NULL|NULL\b)
      | (?P<word>AND\b|OR\b|NOT\b)
      | (?P<column>(?:[a-z_]+\.)?(?:"[a-z_]+"|[a-z_]+))
      | (?P<sign><>|<=|>=|[=<>+\-(),])
    )""",
    re.VERBOSE,
)
SIGNS = {"=": "==", "<>": "!="}

Row = Mapping[str, Any]
Expression = Callable[[Mapping[str, Row], Sequence[Any], "Moment"], Any]


class Moment(NamedTuple):
    """What a statement can ask for besides rows."""

    now: Any
    pid: int


class UnknownSql(Exception):  # noqa: N818 - names what happened, as in shared.runtime
    """Not a statement, or a part of one, that the simulated database understands."""


@lru_cache(maxsize=1024)
def expression(text: str, alias: str = "") -> Expression:
    """The value of an expression; columns without a table belong to `alias`."""
    parts: list[str] = []
    place = 0
    text = text.strip()
    while place < len(text):
        found = TOKEN.match(text, place)
        if found is None:
            raise UnknownSql(text[place:])
        place = found.end()
        parts.append(_python(found, alias))
    code = compile(f"lambda r, a, m: {' '.join(parts)}", f"<{text}>", "eval")
    made: Expression = eval(code, {"__builtins__": {}})
    return made


def _python(found: re.Match[str], alias: str) -> str:
    kind, text = found.lastgroup, found.group().strip()
    if kind == "call":
        return "m.now" if text == "now()" else "m.pid"
    if kind == "argument":
        return f"a[{int(text[1:]) - 1}]"
    if kind == "null":
        words = text.split()
        return "None" if len(words) == 1 else " ".join(["is", *(["not"] if len(words) == 3 else []), "None"])
    if kind == "word":
        return text.lower()
    if kind == "column":
        table, _, column = text.rpartition(".")
        name = column.strip('"')
        return f"r[{table or alias!r}][{name!r}]"
    return SIGNS.get(text, text)


@lru_cache(maxsize=1024)
def names(text: str) -> tuple[str, ...]:
    """Columns of a list, without quotes and the tables they come from."""
    return tuple(part.strip().rpartition(".")[2].strip('"') for part in text.split(","))


@lru_cache(maxsize=1024)
def assignments(text: str, alias: str) -> tuple[tuple[str, Expression], ...]:
    """`a = x, b = y` as columns and the expressions they get."""
    made = []
    for part in text.split(","):
        name, _, value = part.partition("=")
        made.append((name.strip().strip('"'), expression(value, alias)))
    return tuple(made)
