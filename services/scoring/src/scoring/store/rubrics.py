"""The rubrics that come with the program: TOML files, never changed once they have scored anything."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files

from shared.events.taxonomy import KNOWN_CODES
from shared.runtime.database import Database
from shared.runtime.errors import StartupError

from scoring.domain.rubric import RubricError, parse
from scoring.domain.rubric_sections import Rubric


def packaged() -> dict[str, str]:
    """The texts of all rubrics in this package, by name."""
    texts = {}
    for file in files("scoring").joinpath("rubrics").iterdir():
        if file.name.endswith(".toml"):
            texts[file.name.removesuffix(".toml")] = file.read_text(encoding="utf-8")
    return texts


async def store_packaged(database: Database) -> None:
    """Put the packaged rubrics into the database; StartupError when one is there with other content."""
    async with database.transaction() as tx:
        for name, text in sorted(packaged().items()):
            rubric = _parsed(name, text, KNOWN_CODES)
            await tx.execute(
                "INSERT INTO rubric (name, hash, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                name,
                bytes.fromhex(rubric.hash),
                text,
            )
            stored = await tx.fetchval("SELECT hash FROM rubric WHERE name = $1", name)
            if stored.hex() != rubric.hash:
                raise StartupError(
                    f"The rubric {name} has scored under other rules than this program brings: a rubric is "
                    "never changed, give the new one a new name."
                )


async def load(database: Database, name: str) -> Rubric:
    """A stored rubric; StartupError when there is none of that name."""
    text = await database.pool.fetchval("SELECT body FROM rubric WHERE name = $1", name)
    if text is None:
        raise StartupError(f"There is no rubric {name}: correct ANXING_FOLD__RUBRIC.")
    return _parsed(name, text)


def _parsed(name: str, text: str, taxonomy: Collection[str] | None = None) -> Rubric:
    try:
        rubric = parse(text, taxonomy)
    except RubricError as error:
        raise StartupError(f"The rubric {name} cannot be used: {error}.") from error
    if rubric.name != name:
        raise StartupError(f"The rubric {name} calls itself {rubric.name}: name and file must agree.")
    return rubric
