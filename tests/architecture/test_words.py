"""What stands in no file of the project: places of one machine, unfinished work, vague names."""

import re

from tests.architecture.project import sources, texts

# Spelled so that this file does not contain them.
_HOMES = re.compile(r"(?<![\w.])/(?:" + "|".join(("ro" + "ot", "ho" + "me", "Use" + "rs")) + r")/[\w.-]+")
_UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
_REGISTRIES = re.compile(
    "|".join(
        ("py" + r"pi\.org", "maven" + r"\.org", "maven" + r"\.apache", "docker" + r"\.io", "gh" + r"cr\.io")
    )
)
_VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
# Machine made, or other people's words.
_FOREIGN = {"uv.lock", "LICENSE"}


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts().items()
        if path.name not in _FOREIGN and "vendor" not in path.parts
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_place_of_one_machine() -> None:
    assert _found(_HOMES) == []


def test_no_address_of_a_registry() -> None:
    """Where packages, jars and images come from is the machine's affair: tools know the usual places."""
    assert _found(_REGISTRIES) == []


def test_nothing_is_left_for_later() -> None:
    assert _found(_UNFINISHED) == []


def test_no_vague_module_names() -> None:
    vague = [path for path in sources() if {*path.parent.parts, path.stem} & _VAGUE]
    assert vague == []


def test_each_module_begins_with_what_it_is_for() -> None:
    silent = [path for path, text in sources().items() if text.strip() and not text.startswith('"""')]
    assert silent == []
