"""The tables of scoring."""

from __future__ import annotations

from alembic import op
from shared.runtime import cursor, outbox, parking

revision = "2026_11_24_0001"
down_revision = None

# A fact as it counts: the highest revision of (compound, root). Numbers are fixed width and not null, so that
# a binary COPY of them has a constant stride; what varies in length stands behind them. The raw event lies
# beside the ledger under its number, never changes, and also serves the history. The fingerprint follows from
# it, and is asked only where two events claim one revision: in the history it is part of the identity.
LEDGER = """
CREATE TABLE ledger (
    partition integer NOT NULL,
    revision integer NOT NULL,
    day date NOT NULL,
    instant_us bigint NOT NULL,
    received_us bigint NOT NULL,
    "offset" bigint NOT NULL,
    ledger_seq bigint NOT NULL,
    withdrawn boolean NOT NULL,
    by_company boolean NOT NULL,
    compound text COLLATE "C" NOT NULL,
    root text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    PRIMARY KEY (compound, root)
) WITH (fillfactor = 95);

CREATE TABLE ledger_body (
    partition integer NOT NULL,
    ledger_seq bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (partition, ledger_seq)
);

-- Revisions that do not count: superseded, late, or the losers of a conflict.
CREATE TABLE ledger_history (
    partition integer NOT NULL,
    revision integer NOT NULL,
    day date NOT NULL,
    instant_us bigint NOT NULL,
    received_us bigint NOT NULL,
    "offset" bigint NOT NULL,
    ledger_seq bigint NOT NULL,
    withdrawn boolean NOT NULL,
    by_company boolean NOT NULL,
    compound text COLLATE "C" NOT NULL,
    root text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    PRIMARY KEY (compound, root, revision, source, event_id, fingerprint)
);

-- Openings of hazards that count, to see that the same item fails again within a year.
CREATE TABLE hazard (
    compound text COLLATE "C" NOT NULL,
    root text COLLATE "C" NOT NULL,
    hazard_id text NOT NULL,
    item text NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (compound, root)
);
"""

# `packed` is the fold as it stands at the end of `as_of_day`; the rest is what it shows on the open day. The
# relations are repeated here, so that a list of compounds is one scan.
STATE = """
CREATE TABLE compound_state (
    compound text COLLATE "C" NOT NULL,
    rubric text NOT NULL,
    partition integer NOT NULL,
    version bigint NOT NULL,
    day date NOT NULL,
    as_of_day date,
    next_change_day date,
    due_day date,
    score_milli integer,
    star smallint,
    dynamic_star smallint,
    rated boolean NOT NULL,
    enrolled boolean NOT NULL,
    name text NOT NULL,
    company_id text NOT NULL,
    community_id text NOT NULL,
    station_id text NOT NULL,
    shown jsonb NOT NULL,
    packed bytea NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (compound, rubric)
) WITH (fillfactor = 70);
CREATE INDEX compound_state_due ON compound_state (rubric, partition, due_day);
CREATE INDEX compound_state_ranked ON compound_state (rubric, score_milli DESC NULLS LAST, compound);

CREATE TABLE score_step (
    compound text COLLATE "C" NOT NULL,
    rubric text NOT NULL,
    day date NOT NULL,
    score_milli integer,
    star smallint,
    dynamic_star smallint,
    up_run integer NOT NULL,
    down_run integer NOT NULL,
    items jsonb NOT NULL,
    PRIMARY KEY (compound, rubric, day)
);
"""

# One row a cause and target; whoever adds to a waiting row raises `merged`, so that the owner who carries it
# out deletes only what it has seen. The row wakes the owner.
WORK = """
CREATE TABLE work (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition integer NOT NULL,
    kind text NOT NULL,
    key text COLLATE "C" NOT NULL,
    merged integer NOT NULL DEFAULT 0,
    from_day date,
    not_before timestamptz NOT NULL DEFAULT now(),
    cause text NOT NULL,
    UNIQUE (partition, kind, key)
);
CREATE INDEX work_due ON work (partition, not_before);

"""
WAKE = """
CREATE FUNCTION wake_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('scoring_work', '');
    RETURN NULL;
END $$
"""
WAITING = """
CREATE TRIGGER work_wakes_owner AFTER INSERT ON work FOR EACH STATEMENT EXECUTE FUNCTION wake_owner();

-- Facts whose compound no registry event has named yet.
CREATE TABLE unassigned (
    compound text COLLATE "C" PRIMARY KEY,
    partition integer NOT NULL,
    facts integer NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

-- An operator's word that days may close up to here although no clock but ours says so.
CREATE TABLE day_confirmation (
    through date PRIMARY KEY,
    confirmed_at timestamptz NOT NULL DEFAULT now(),
    confirmed_by text NOT NULL
);
"""

# `counted`: the highest revision of its root. The others are kept as the ledger keeps its history.
REGISTRY = """
CREATE TABLE compound_revision (
    source text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    root text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    counted boolean NOT NULL,
    effective_from date NOT NULL,
    received_us bigint NOT NULL,
    fingerprint bytea NOT NULL,
    compound text COLLATE "C" NOT NULL,
    company text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (source, event_id, fingerprint)
);
CREATE INDEX compound_revision_of ON compound_revision (compound) WHERE counted;
CREATE INDEX compound_revision_by_root ON compound_revision (compound, root);
CREATE INDEX compound_revision_company ON compound_revision (company) WHERE counted;

CREATE TABLE company_revision (
    source text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    root text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    counted boolean NOT NULL,
    effective_from date NOT NULL,
    received_us bigint NOT NULL,
    fingerprint bytea NOT NULL,
    company text COLLATE "C" NOT NULL,
    name text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (source, event_id, fingerprint)
);
CREATE INDEX company_revision_of ON company_revision (company) WHERE counted;
CREATE INDEX company_revision_by_root ON company_revision (company, root);

CREATE TABLE organisation_revision (
    source text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    root text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    counted boolean NOT NULL,
    effective_from date NOT NULL,
    received_us bigint NOT NULL,
    fingerprint bytea NOT NULL,
    organisation text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    parent text,
    body bytea NOT NULL,
    PRIMARY KEY (source, event_id, fingerprint)
);
CREATE INDEX organisation_revision_of ON organisation_revision (organisation) WHERE counted;
CREATE INDEX organisation_revision_by_root ON organisation_revision (organisation, root);
"""

RUBRIC = """
CREATE TABLE rubric (
    name text PRIMARY KEY,
    hash bytea NOT NULL,
    body text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now()
);

-- What was chosen once for this database and must not change under it.
CREATE TABLE installation (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    partitions integer NOT NULL,
    timezone text NOT NULL
);
"""


def upgrade() -> None:
    for text in (cursor.DDL, outbox.DDL, parking.DDL, LEDGER, STATE, WORK, WAITING, REGISTRY, RUBRIC):
        if text is WAITING:
            op.execute(WAKE)
        # One statement at a time: the driver prepares each.
        for statement in text.split(";\n"):
            if statement.strip():
                op.execute(statement)
