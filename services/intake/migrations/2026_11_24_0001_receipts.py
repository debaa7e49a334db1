"""Receipts of what was taken in, and the newest revision of every fact."""

from alembic import op

revision = "2026_11_24_0001"
down_revision = None

# Each part costs a little with every statement, and four are enough to vacuum and to grow.
PARTS = 4


def upgrade() -> None:
    # A receipt is reserved while "offset" is null. It leads with the id, by which senders ask for it.
    # From `subject` on: what the head of a first revision is made of when a correction asks for it, or
    # when the receipt is old; null for what has no revisions and for corrections.
    op.execute("""
        CREATE TABLE receipt (
            id uuid NOT NULL,
            source text NOT NULL,
            fingerprint bytea NOT NULL,
            credential text NOT NULL,
            topic text NOT NULL,
            partition integer NOT NULL,
            "offset" bigint,
            received_at timestamptz NOT NULL,
            deadline timestamptz NOT NULL,
            claim bigint NOT NULL,
            subject text,
            recorder text,
            rank smallint,
            kind text,
            day date,
            PRIMARY KEY (id, source)
        ) PARTITION BY HASH (id)
    """)
    for part in range(PARTS):
        # Room in each page, so that completing a receipt touches no index.
        op.execute(f"""
            CREATE TABLE receipt_{part:02} PARTITION OF receipt
                FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part}) WITH (fillfactor = 80)
        """)
    # Rows arrive in the order of their age: a few pages of index find the oldest.
    op.execute("CREATE INDEX receipt_by_age ON receipt USING brin (received_at)")
    # Heads of corrected facts, and of all whose first receipt is gone: kept as long as facts are.
    # `known`: the first revision was seen, so recorder, rank and kind are its own.
    op.execute("""
        CREATE TABLE fact_head (
            root uuid NOT NULL,
            subject text NOT NULL,
            revision integer NOT NULL,
            event_id uuid NOT NULL,
            recorder text NOT NULL,
            rank smallint NOT NULL,
            kind text,
            day date NOT NULL,
            known boolean NOT NULL,
            PRIMARY KEY (root, subject)
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE fact_head")
    op.execute("DROP TABLE receipt")
