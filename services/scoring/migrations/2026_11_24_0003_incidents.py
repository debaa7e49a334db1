"""Calls by code and day, and who was enrolled when: what statistics ask of all compounds at once."""

from __future__ import annotations

from alembic import op

revision = "2026_11_24_0003"
down_revision = "2026_11_24_0002"

# A call that counts, beside the ledger under its number. Rows are narrow and come in the order of arrival:
# where days follow it, the small index by day leaves out the years that nobody asks for, and costs next to
# nothing to write. `alike` is code, status and place in one value, which is quicker to group by.
INCIDENT = """
CREATE TABLE incident (
    partition integer NOT NULL,
    ledger_seq bigint NOT NULL,
    day date NOT NULL,
    compound text COLLATE "C" NOT NULL,
    alike text COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, ledger_seq)
);
CREATE INDEX incident_by_day ON incident USING brin (day) WITH (pages_per_range = 16);

INSERT INTO incident
SELECT partition, ledger_seq, day, compound,
    concat_ws(' ', data ->> 'code', data ->> 'status', coalesce(data ->> 'place', 'unknown'))
FROM (
    SELECT l.partition, l.ledger_seq, l.day, l.compound, convert_from(b.body, 'UTF8')::json -> 'data' AS data
    FROM ledger l JOIN ledger_body b ON b.partition = l.partition AND b.ledger_seq = l.ledger_seq
    WHERE l.kind = 'incident.recorded' AND NOT l.withdrawn
) f;
"""
# Opening thousands of bodies for one answer would take longer than the answer may.
ENROLMENT = """
ALTER TABLE compound_revision
    ADD COLUMN name text,
    ADD COLUMN community text COLLATE "C",
    ADD COLUMN station text COLLATE "C",
    ADD COLUMN enrolled_on date,
    ADD COLUMN withdrawn_on date;
UPDATE compound_revision r SET
    name = data ->> 'name',
    community = data ->> 'community_id',
    station = data ->> 'station_id',
    enrolled_on = (data ->> 'enrolled_on')::date,
    withdrawn_on = (data ->> 'withdrawn_on')::date
FROM (
    SELECT source, event_id, fingerprint, convert_from(body, 'UTF8')::json -> 'data' AS data
    FROM compound_revision
) f
WHERE r.source = f.source AND r.event_id = f.event_id AND r.fingerprint = f.fingerprint;
ALTER TABLE compound_revision
    ALTER COLUMN name SET NOT NULL,
    ALTER COLUMN community SET NOT NULL,
    ALTER COLUMN station SET NOT NULL;
"""


def upgrade() -> None:
    for text in (INCIDENT, ENROLMENT):
        for statement in text.split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE incident")
    op.execute(
        "ALTER TABLE compound_revision DROP COLUMN name, DROP COLUMN community, DROP COLUMN station,"
        " DROP COLUMN enrolled_on, DROP COLUMN withdrawn_on"
    )
