"""Reads a rubric from its TOML text and refuses one that the rules could not work with.

`parse(text, taxonomy) -> Rubric` raises `RubricError`, which names line, key and rule. A rubric is identified
by the SHA-256 of its text: the same numbers in other words are another rubric.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields
from hashlib import sha256
from typing import Any, TypeVar, get_type_hints

from scoring.domain import rubric_sections as sections
from scoring.domain.rubric_checks import check, check_taxonomy
from scoring.domain.rubric_lines import line_of
from scoring.domain.rubric_sections import Bands, Item, Rubric

__all__ = ["Rubric", "RubricError", "parse"]

Section = TypeVar("Section")

SECTIONS: Mapping[str, type] = {
    "size": sections.Size,
    "findings": sections.Findings,
    "state": sections.State,
    "evidence": sections.Evidence,
    "hazards": sections.Hazards,
    "patrols": sections.Patrols,
    "rosters": sections.Rosters,
    "volunteers": sections.Volunteers,
    "trend": sections.Trend,
    "disputes": sections.Disputes,
    "rectification": sections.Rectification,
    "survey": sections.Survey,
    "bonus": sections.Bonus,
    "incidents": sections.Incidents,
    "stars": sections.Stars,
    "vetoes": sections.Vetoes,
    "eligibility": sections.Eligibility,
    "warnings": sections.Warnings,
    "year": sections.Year,
}


class RubricError(ValueError):
    """A rubric that cannot be used: the line (0 when unknown), the key, and the rule it breaks."""

    def __init__(self, line: int, key: str, rule: str) -> None:
        super().__init__(f"line {line}, {key}: {rule}" if line else f"{key}: {rule}")
        self.line = line
        self.key = key
        self.rule = rule


def parse(text: str, taxonomy: Collection[str] | None = None) -> Rubric:
    """The rubric that `text` (TOML) describes; raises RubricError.

    A new rubric must place each code of the `taxonomy`. Without one, an older rubric is read as it is:
    a taxonomy may have grown since.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise RubricError(int(found[1]) if found else 0, "TOML", str(error)) from error

    def refuse(key: str, rule: str) -> RubricError:
        return RubricError(line_of(text, key), key, rule)

    reader = _Reader(table, refuse)
    rubric = reader.rubric(sha256(text.encode()).hexdigest())
    check(rubric, refuse)
    if taxonomy is not None:
        check_taxonomy(rubric, taxonomy, refuse)
    return rubric


class _Reader:
    """Turns tables into sections by the types that the sections declare."""

    def __init__(self, table: dict[str, Any], refuse: Callable[[str, str], RubricError]) -> None:
        self._table = table
        self._refuse = refuse
        self._bands: dict[str, Bands] = {}

    def rubric(self, digest: str) -> Rubric:
        known = {"name", "title", "full_milli", "bands", "categories", "items", "cooperation", *SECTIONS}
        self._only(self._table, known, "")
        for name, value in self._of("", "bands", dict).items():
            self._bands[name] = self._pairs(value, f"bands.{name}")
        items = {code: self._item(code, table) for code, table in self._of("", "items", dict).items()}
        incidents = self._of("", "incidents", dict)
        codes = self._grouped(incidents.get("codes", {}), "incidents.codes")
        parts: dict[str, Any] = {
            name: self._section(kind, self._of("", name, dict), name, ignored={"codes"})
            for name, kind in SECTIONS.items()
        }
        return Rubric(
            name=self._of("", "name", str),
            title=self._of("", "title", str),
            hash=digest,
            full_milli=self._of("", "full_milli", int),
            categories=self._mapping(self._of("", "categories", dict), "categories", str, str),
            items=items,
            codes=codes,
            cooperation=self._grouped(self._of("", "cooperation", dict), "cooperation"),
            of_model={item.model: code for code, item in items.items()},
            receives=_receives(items),
            layout=_layout(items, parts["stars"]),
            **parts,
        )

    def _item(self, code: str, table: object) -> Item:
        key = f"items.{code}"
        if not isinstance(table, dict):
            raise self._refuse(key, "must be a table")
        return self._section(Item, {"code": code, **table}, key)

    def _grouped(self, table: object, key: str) -> dict[str, tuple[str, int]]:
        """{item: {name: base}} as {name: (item, base)}."""
        result: dict[str, tuple[str, int]] = {}
        if not isinstance(table, dict):
            raise self._refuse(key, "must be a table")
        for item, bases in table.items():
            for name, base in self._mapping(bases, f"{key}.{item}", str, int).items():
                if name in result:
                    raise self._refuse(f"{key}.{item}.{name}", "is already an entry of another item")
                result[name] = (item, base)
        return result

    def _section(
        self,
        kind: type[Section],
        table: dict[str, Any],
        key: str,
        ignored: frozenset[str] | set[str] = frozenset(),
    ) -> Section:
        hints = get_type_hints(kind)
        declared = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]  # all sections are dataclasses
        self._only(table, set(declared) | set(ignored), key)
        values: dict[str, Any] = {}
        for name, one in declared.items():
            if name in table:
                values[name] = self._value(table[name], hints[name], f"{key}.{name}")
            elif one.default is MISSING and one.default_factory is MISSING:
                raise self._refuse(key, f"{name} is missing")
        return kind(**values)

    def _value(self, value: object, hint: object, key: str) -> object:
        if hint in (int, str, bool):
            return self._plain(value, hint, key)
        if hint == Bands:
            return self._named_bands(value, key) if isinstance(value, str) else self._pairs(value, key)
        if hint == Mapping[int, int]:
            return {int(name): one for name, one in self._mapping(value, key, int, int).items()}
        if hint == Mapping[str, int]:
            return self._mapping(value, key, str, int)
        inner = str if hint == tuple[str, ...] else int
        if not isinstance(value, list):
            raise self._refuse(key, "must be a list")
        return tuple(self._plain(one, inner, key) for one in value)

    def _plain(self, value: object, kind: object, key: str) -> Any:
        if type(value) is not kind:
            raise self._refuse(key, f"must be of type {getattr(kind, '__name__', kind)}")
        if isinstance(value, int) and value < 0:
            raise self._refuse(key, "must not be negative")
        return value

    def _mapping(self, value: object, key: str, name_kind: type, kind: type) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._refuse(key, "must be a table")
        for name, one in value.items():
            if name_kind is int and not name.isdecimal():
                raise self._refuse(f"{key}.{name}", "must be a number")
            self._plain(one, kind, f"{key}.{name}")
        return value

    def _named_bands(self, name: str, key: str) -> Bands:
        if name not in self._bands:
            raise self._refuse(key, f"names unknown bands {name}")
        return self._bands[name]

    def _pairs(self, value: object, key: str) -> Bands:
        if not isinstance(value, list):
            raise self._refuse(key, "must be a list of pairs")
        pairs = []
        for pair in value:
            if not isinstance(pair, list) or [type(one) for one in pair] != [int, int] or min(pair) < 0:
                raise self._refuse(key, "must be a list of pairs of whole numbers")
            pairs.append((pair[0], pair[1]))
        return tuple(pairs)

    def _of(self, key: str, name: str, kind: type[Section]) -> Section:
        if name not in self._table:
            raise self._refuse(name, "is missing")
        value: Section = self._plain(self._table[name], kind, f"{key}{name}")
        return value

    def _only(self, table: Mapping[str, Any], known: set[str], key: str) -> None:
        for name in table:
            if name not in known:
                raise self._refuse(f"{key}.{name}".lstrip("."), "is not a key that any rule reads")


def _layout(items: Mapping[str, Item], stars: sections.Stars) -> sections.Layout:
    ordered = sorted(items.values(), key=lambda item: item.category)
    codes = tuple(item.code for item in ordered)
    categories = []
    for category in dict.fromkeys(item.category for item in ordered):
        places = [place for place, item in enumerate(ordered) if item.category == category]
        categories.append((category, places[0], places[-1] + 1))
    return sections.Layout(
        codes,
        tuple(ordered),
        {code: place for place, code in enumerate(codes)},
        tuple(categories),
        tuple(item.points_milli for item in ordered),
        sum(1 << place for place, code in enumerate(codes) if code in stars.evidence_items),
        frozenset(item.code for item in ordered if item.model == "state"),
    )


def _receives(items: Mapping[str, Item]) -> dict[str, tuple[tuple[str, int], ...]]:
    found: dict[str, tuple[tuple[str, int], ...]] = {}
    for giver in items.values():
        for code, points in giver.moves_milli.items():
            found[code] = (*found.get(code, ()), (giver.code, points))
    return found
