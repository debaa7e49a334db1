"""What every batch writes weighs less.

JSON is only stored and read, never asked, so it need not be taken apart (20 µs a state); what is packed
cannot be compressed, and trying costs as much again; no list needs the index of scores: it counts all rows.
Work that is not due yet wakes nobody: a woken owner lets the batch in hand be written before it looks.
"""

from __future__ import annotations

from alembic import op

revision = "2026_11_24_0005"
down_revision = "2026_11_24_0004"

JSON = (("compound_state", "shown"), ("score_step", "items"), ("outbox", "headers"))

WAKE = """
CREATE OR REPLACE FUNCTION wake_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE not_before <= now()) THEN
        PERFORM pg_notify('scoring_work', '');
    END IF;
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER work_wakes_owner AFTER INSERT ON work REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION wake_owner()
"""
WAKE_ALWAYS = """
CREATE OR REPLACE FUNCTION wake_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('scoring_work', '');
    RETURN NULL;
END $$
"""
TRIGGER_ALWAYS = """
CREATE TRIGGER work_wakes_owner AFTER INSERT ON work FOR EACH STATEMENT EXECUTE FUNCTION wake_owner()
"""


def upgrade() -> None:
    for table, column in JSON:
        op.execute(f"ALTER TABLE {table} ALTER {column} TYPE json USING {column}::text::json")
    op.execute("ALTER TABLE compound_state ALTER packed SET STORAGE EXTERNAL")
    op.execute("DROP INDEX compound_state_ranked")
    op.execute("DROP TRIGGER work_wakes_owner ON work")
    op.execute(WAKE)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER work_wakes_owner ON work")
    op.execute(WAKE_ALWAYS)
    op.execute(TRIGGER_ALWAYS)
    op.execute(
        "CREATE INDEX compound_state_ranked ON compound_state (rubric, score_milli DESC NULLS LAST, compound)"
    )
    op.execute("ALTER TABLE compound_state ALTER packed SET STORAGE EXTENDED")
    for table, column in JSON:
        op.execute(f"ALTER TABLE {table} ALTER {column} TYPE jsonb USING {column}::text::jsonb")
