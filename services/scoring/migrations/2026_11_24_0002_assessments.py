"""Decided annual assessments: the star that warnings measure a compound against."""

from __future__ import annotations

from alembic import op

revision = "2026_11_24_0002"
down_revision = "2026_11_24_0001"

ASSESSMENT = """
CREATE TABLE assessment (
    compound text COLLATE "C" NOT NULL,
    year smallint NOT NULL,
    star smallint NOT NULL,
    decided_on date NOT NULL,
    PRIMARY KEY (compound, year)
);
"""


def upgrade() -> None:
    op.execute(ASSESSMENT)


def downgrade() -> None:
    op.execute("DROP TABLE assessment")
