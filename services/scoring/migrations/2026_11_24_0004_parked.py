"""Parked records that are tried again or dropped: how often, by whom, and what became of them."""

from __future__ import annotations

from alembic import op

revision = "2026_11_24_0004"
down_revision = "2026_11_24_0003"

ATTEMPTS = """
ALTER TABLE parked ADD COLUMN attempts integer NOT NULL DEFAULT 0, ADD COLUMN attempted_at timestamptz
"""
# The row goes when a record counts or is given up, so what it was stays here. Its bytes lie on the topic
# under this offset; the hash tells that they are the same.
RESOLVED = """
CREATE TABLE parked_resolved (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    resolved_at timestamptz NOT NULL DEFAULT now(),
    resolution text NOT NULL CHECK (resolution IN ('counted', 'dropped')),
    fate text,
    actor text NOT NULL,
    reason text,
    code text NOT NULL,
    detail text NOT NULL,
    attempts integer NOT NULL,
    value_sha256 bytea,
    value_bytes integer,
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, "offset", resolved_at),
    CHECK (resolution <> 'dropped' OR reason IS NOT NULL)
)
"""


def upgrade() -> None:
    op.execute(ATTEMPTS)
    op.execute(RESOLVED)


def downgrade() -> None:
    op.execute("DROP TABLE parked_resolved")
    op.execute("ALTER TABLE parked DROP COLUMN attempts, DROP COLUMN attempted_at")
