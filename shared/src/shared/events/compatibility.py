"""Whether a schema may replace a published one: only optional additions may, all else is a new version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any]

# Words for people: they may change.
_ANNOTATIONS: Final = frozenset({"$schema", "$id", "$defs", "title", "description", "examples"})
_REF: Final = "#/$defs/"


def breaks(published: Schema, proposed: Schema) -> list[str]:
    """What in `proposed` breaks a reader or writer of `published`; empty when nothing does.

    Allowed are new properties that are not required, and new words for people. Everything else (a
    bound, an enumeration, a default, a required property, a name that is gone) is a break.
    """
    return list(_compare(published, proposed, published, proposed, "$"))


def _resolved(node: Any, root: Schema) -> Any:
    while isinstance(node, dict) and str(node.get("$ref", "")).startswith(_REF):
        rest = {key: value for key, value in node.items() if key != "$ref"}
        node = root["$defs"][node["$ref"].removeprefix(_REF)] | rest
    return node


def _compare(old: Any, new: Any, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_objects(old, new, old_root, new_root, at)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _compare(before, after, old_root, new_root, f"{at}[{number}]")
    elif old != new or type(old) is not type(new):
        yield f"{at} changed"


def _compare_objects(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    for key in sorted((old.keys() | new.keys()) - _ANNOTATIONS):
        where = f"{at}.{key}"
        if key == "required":
            if set(old.get(key, ())) != set(new.get(key, ())):
                yield f"{where} changed"
        elif key == "properties":
            yield from _compare_properties(old.get(key, {}), new.get(key, {}), old_root, new_root, at)
        elif key not in old:
            yield f"{where} was added"
        elif key not in new:
            yield f"{where} was removed"
        else:
            yield from _compare(old[key], new[key], old_root, new_root, where)


def _compare_properties(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str
) -> Iterator[str]:
    for name, before in old.items():
        if name not in new:
            yield f"{at}.{name} was removed"
        else:
            yield from _compare(before, new[name], old_root, new_root, f"{at}.{name}")
