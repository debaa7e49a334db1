"""Where a key stands in the TOML text of a rubric, so that an error can name its line."""

import re


def line_of(text: str, key: str) -> int:
    """The line of `key` (dotted), else of the closest table around it, else of the first key in it."""
    places = _places(text)
    around = [(len(place), line) for place, line in places if key == place or key.startswith(place + ".")]
    if around:
        return max(around, key=lambda one: (one[0], -one[1]))[1]
    return next((line for place, line in places if place.startswith(key + ".")), 0)


def _places(text: str) -> list[tuple[str, int]]:
    """The dotted names of all tables and keys at the beginning of a line, with their lines."""
    places = []
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\[\]]+)\]\s*(#.*)?$", line)
        entry = re.match(r"\s*([A-Za-z0-9_-]+)\s*=", line)
        if header:
            table = header[1].strip()
            places.append((table, number))
        elif entry:
            places.append((f"{table}.{entry[1]}".lstrip("."), number))
    return places
