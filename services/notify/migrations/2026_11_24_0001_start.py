"""Tables of notify: where each one sits in the flow is said above it."""

from __future__ import annotations

from alembic import op
from shared.runtime import cursor, outbox, parking

revision = "2026_11_24_0001"
down_revision = None

STATEMENTS = (
    # Ingest: how far each partition of the source has been taken over, per incarnation of its writer.
    """
    CREATE TABLE source_position (
        topic text NOT NULL,
        partition integer NOT NULL,
        incarnation integer NOT NULL,
        sequence bigint NOT NULL,
        PRIMARY KEY (topic, partition, incarnation)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE inbox_event (
        event_id uuid PRIMARY KEY,
        type text NOT NULL,
        subject text NOT NULL,
        occurred_at timestamptz NOT NULL,
        historical boolean NOT NULL,
        partition integer NOT NULL,
        "offset" bigint NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    # Registry: every revision of every entity, because a name may hold from next month on.
    """
    CREATE TABLE entity_revision (
        kind text NOT NULL,
        id text NOT NULL,
        root text NOT NULL,
        revision integer NOT NULL,
        effective_from date NOT NULL,
        received_at timestamptz NOT NULL,
        event_id text NOT NULL,
        name text NOT NULL,
        parent_id text,
        PRIMARY KEY (kind, id, root)
    )
    """,
    # Decide.
    """
    CREATE TABLE recipient (
        id text PRIMARY KEY,
        kind text NOT NULL,
        organisation_id text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE decision (
        outcome_id uuid NOT NULL,
        recipient_id text NOT NULL,
        action text NOT NULL,
        rule text NOT NULL,
        rule_version text NOT NULL,
        reason text,
        decided_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (outcome_id, recipient_id)
    )
    """,
    "CREATE INDEX decision_recipient ON decision (recipient_id, decided_at)",
    # A notice is the entry of the inbox; its payload is what every channel starts from.
    """
    CREATE TABLE notice (
        id uuid PRIMARY KEY,
        outcome_id uuid NOT NULL,
        outcome_type text NOT NULL,
        subject text NOT NULL,
        recipient_id text NOT NULL,
        mandatory boolean NOT NULL,
        historical boolean NOT NULL,
        occurred_at timestamptz NOT NULL,
        template_version text NOT NULL,
        payload bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        seen_at timestamptz,
        seen_by text,
        confirmed_at timestamptz,
        confirmed_by text
    ) WITH (fillfactor = 90)
    """,
    "CREATE INDEX notice_inbox ON notice (recipient_id, created_at, id)",
    # Endpoints: what the owner says about them, and apart from it the hot row that workers lease.
    """
    CREATE TABLE endpoint (
        id uuid PRIMARY KEY,
        recipient_id text NOT NULL REFERENCES recipient (id),
        channel text NOT NULL CHECK (channel IN ('webhook', 'file')),
        target text NOT NULL,
        types text[],
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX endpoint_recipient ON endpoint (recipient_id)",
    """
    CREATE TABLE endpoint_secret (
        endpoint_id uuid NOT NULL REFERENCES endpoint (id),
        number integer NOT NULL,
        key_id text NOT NULL,
        ciphertext bytea NOT NULL,
        valid_from timestamptz NOT NULL DEFAULT now(),
        valid_until timestamptz,
        PRIMARY KEY (endpoint_id, number)
    )
    """,
    "CREATE SEQUENCE claim_number",
    "CREATE SEQUENCE worker_number AS integer CYCLE",
    # `next_due`: nothing of this lane is due before it; `held_until`: leased, paused or open until then.
    """
    CREATE TABLE lane (
        endpoint_id uuid PRIMARY KEY REFERENCES endpoint (id),
        state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'suspended')),
        state_cause text,
        state_since timestamptz NOT NULL DEFAULT now(),
        next_due timestamptz NOT NULL DEFAULT 'infinity',
        held_until timestamptz NOT NULL DEFAULT '-infinity',
        urgent boolean NOT NULL DEFAULT false,
        claim bigint,
        worker integer,
        slots smallint NOT NULL DEFAULT 2,
        slow_until timestamptz,
        paused_until timestamptz,
        failing_since timestamptz,
        failures integer NOT NULL DEFAULT 0,
        rate_per_minute integer CHECK (rate_per_minute > 0),
        tokens double precision NOT NULL DEFAULT 0,
        tokens_at timestamptz NOT NULL DEFAULT now(),
        breaker text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'half_open')),
        open_until timestamptz,
        open_seconds integer NOT NULL DEFAULT 0,
        window_from timestamptz,
        window_attempts integer NOT NULL DEFAULT 0,
        window_failures integer NOT NULL DEFAULT 0,
        unreached_run integer NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200)
    """,
    "CREATE INDEX lane_ready ON lane (greatest(next_due, held_until)) WHERE state = 'active'",
    "CREATE INDEX lane_claimed ON lane (worker) WHERE claim IS NOT NULL",
    # Deliver: the lasting row of a delivery, and the small hot queues it waits in.
    """
    CREATE TABLE delivery (
        id uuid PRIMARY KEY,
        notice_id uuid NOT NULL,
        endpoint_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('due', 'delivered', 'abandoned', 'parked')),
        attempts smallint NOT NULL DEFAULT 0,
        cause text,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX delivery_notice ON delivery (notice_id)",
    "CREATE INDEX delivery_endpoint ON delivery (endpoint_id, created_at, id)",
    """
    CREATE TABLE delivery_due (
        delivery_id uuid PRIMARY KEY,
        endpoint_id uuid NOT NULL,
        notice_id uuid NOT NULL,
        urgency smallint NOT NULL,
        attempt smallint NOT NULL,
        not_before timestamptz NOT NULL
    ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500)
    """,
    "CREATE INDEX delivery_due_order ON delivery_due (endpoint_id, urgency, not_before, delivery_id)",
    """
    CREATE TABLE delivery_parked (
        delivery_id uuid PRIMARY KEY,
        endpoint_id uuid NOT NULL,
        notice_id uuid NOT NULL,
        urgency smallint NOT NULL,
        attempt smallint NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX delivery_parked_order ON delivery_parked (endpoint_id, parked_at)",
    # Record: rows are only ever added; a start without an end is a call whose fate nobody knows.
    """
    CREATE TABLE attempt_started (
        delivery_id uuid NOT NULL,
        claim bigint NOT NULL,
        attempt smallint NOT NULL,
        worker integer NOT NULL,
        started_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (delivery_id, claim, attempt)
    )
    """,
    """
    CREATE TABLE attempt_ended (
        delivery_id uuid NOT NULL,
        claim bigint NOT NULL,
        attempt smallint NOT NULL,
        verdict text NOT NULL,
        cause text NOT NULL,
        status smallint,
        seconds real NOT NULL,
        address text,
        response text,
        accepted boolean NOT NULL,
        ended_at timestamptz NOT NULL,
        PRIMARY KEY (delivery_id, claim, attempt)
    )
    """,
)


def upgrade() -> None:
    fragments = (cursor.DDL, parking.DDL, outbox.UNORDERED_DDL)
    shared = [statement for fragment in fragments for statement in fragment.split(";")]
    for statement in (*shared, *STATEMENTS):
        op.execute(statement)
