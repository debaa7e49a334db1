"""Which revision a folder of migrations ends with."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from shared.runtime.errors import StartupError
from shared.runtime.migrations import head_of, migrations_of

SERVICES = Path(__file__).parents[4] / "services"


def revision(folder: Path, name: str, after: str | None) -> None:
    (folder / f"{name}.py").write_text(
        f'"""A step."""\nrevision: str = "{name}"\ndown_revision = {after!r}\n'
    )


@pytest.mark.parametrize("service", ["intake", "scoring", "notify"])
def test_the_head_is_what_alembic_says(service):
    folder = SERVICES / service / "migrations"

    assert head_of(folder) == ScriptDirectory(str(folder), version_locations=[str(folder)]).get_current_head()


@pytest.mark.parametrize("service", ["intake", "scoring", "notify"])
def test_the_folder_is_found_from_the_source(service):
    assert (
        migrations_of(str(SERVICES / service / "src" / service / "app.py"))
        == SERVICES / service / "migrations"
    )


def test_the_head_is_the_one_that_nothing_follows(tmp_path):
    revision(tmp_path, "2026_11_25_0001", "2026_11_24_0001")
    revision(tmp_path, "2026_11_24_0001", None)

    assert head_of(tmp_path) == "2026_11_25_0001"


def test_two_heads_or_none_are_refused(tmp_path):
    with pytest.raises(StartupError, match="have 0 newest revisions"):
        head_of(tmp_path)

    revision(tmp_path, "2026_11_24_0001", None)
    revision(tmp_path, "2026_11_24_0002", None)
    with pytest.raises(StartupError, match="have 2 newest revisions"):
        head_of(tmp_path)
