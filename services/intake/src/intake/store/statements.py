"""The statements over receipts and heads; tables: `migrations/`."""

from __future__ import annotations

from typing import Final

_OFFERED: Final = """
offered AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[],
        $8::text[], $9::text[], $10::smallint[], $11::text[], $12::date[]
    ) AS o (id, source, fingerprint, credential, topic, partition, received_at,
            subject, recorder, rank, kind, day)
), fresh AS (
    INSERT INTO receipt (id, source, fingerprint, credential, topic, partition, received_at,
                         subject, recorder, rank, kind, day, deadline, claim)
    SELECT o.*, now() + $13, $14 FROM offered o
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM fresh
"""
# Reserves what is new and answers how many were; what is not new is looked at with STANDING.
RESERVE: Final = "WITH" + _OFFERED

# The same, and the offsets of what was published meanwhile: one way to the server for both.
RESERVE_AND_COMPLETE: Final = (
    """
WITH completed AS (
    UPDATE receipt r SET "offset" = c."offset"
    FROM unnest($15::uuid[], $16::text[], $17::bigint[]) AS c (id, source, "offset")
    WHERE r.id = c.id AND r.source = c.source AND r."offset" IS NULL
),"""  # noqa: S608 - put together from constants
    + _OFFERED
)

COMPLETE: Final = """
UPDATE receipt r SET "offset" = c."offset"
FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS c (id, source, "offset")
WHERE r.id = c.id AND r.source = c.source AND r."offset" IS NULL
"""

# What is known of ids; `ours` where this claim reserved it, `expired` where anybody may take it over.
STANDING: Final = """
SELECT o.n, r.fingerprint, r.topic, r.partition, r."offset", r.received_at, r.id::text AS id,
       r.claim = $3 AS ours, r."offset" IS NULL AND r.deadline < now() AS expired
FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS o (id, source, n)
JOIN receipt r ON r.id = o.id AND r.source = o.source
"""

# A reservation whose holder is gone, for the same content.
TAKE_OVER: Final = """
UPDATE receipt
SET claim = $3, deadline = now() + $4, received_at = $5, credential = $6
WHERE id = $1 AND source = $2 AND "offset" IS NULL AND deadline < now() AND fingerprint = $7
"""

# The next attempt need not wait for the deadline.
RELEASE: Final = """
UPDATE receipt r SET deadline = now() - interval '1 second'
FROM unnest($1::uuid[], $2::text[]) AS o (id, source)
WHERE r.id = o.id AND r.source = o.source AND r."offset" IS NULL
"""

# Gives back what may not become the head of its fact.
DROP: Final = """
DELETE FROM receipt r USING unnest($1::uuid[], $2::text[]) AS o (id, source)
WHERE r.id = o.id AND r.source = o.source AND r.claim = $3 AND r."offset" IS NULL
"""

# A receipt that is lost costs a repeat; a lost head would let in a correction that counts for nothing.
DURABLY: Final = "SET LOCAL synchronous_commit = on"

# The head of a fact from the receipt of its first revision, where there is none or one without it.
BEGIN_HEAD: Final = """
INSERT INTO fact_head AS h (root, subject, revision, event_id, recorder, rank, kind, day, known)
SELECT id, subject, 1, id, recorder, rank, kind, day, true FROM receipt WHERE id = $1 AND subject = $2
ORDER BY received_at
LIMIT 1
ON CONFLICT (root, subject) DO UPDATE
SET recorder = excluded.recorder, rank = excluded.rank, kind = excluded.kind, known = true
WHERE NOT h.known
"""

HEAD: Final = """
SELECT revision, event_id::text AS event_id, recorder, rank, kind, known
FROM fact_head WHERE root = $1 AND subject = $2 FOR UPDATE
"""

# Whether the first revision of that root is about something else.
ELSEWHERE: Final = """
SELECT EXISTS (SELECT FROM receipt WHERE id = $1 AND subject <> $2)
    OR EXISTS (SELECT FROM fact_head WHERE root = $1 AND subject <> $2 AND known)
"""

# A correction that nobody has seen the original of: the head is its own until that comes.
NEW_HEAD: Final = """
INSERT INTO fact_head (root, subject, revision, event_id, recorder, rank, kind, day, known)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false)
ON CONFLICT DO NOTHING
"""

MOVE_HEAD: Final = """
UPDATE fact_head SET revision = $3, event_id = $4, day = $5 WHERE root = $1 AND subject = $2
"""

FIND: Final = """
SELECT source, id::text AS id, topic, partition, "offset", received_at, fingerprint
FROM receipt
WHERE id = $1 AND CASE WHEN $2::text IS NULL THEN credential = $3 ELSE source = $2 END
ORDER BY source
LIMIT 20
"""

# Old receipts, a chunk at a time so that nothing waits behind it; their heads stay. A replica's
# clock may be wrong: what is old by it must be old by the server's, which gave the deadline.
FORGET: Final = """
WITH old AS (
    DELETE FROM receipt WHERE (tableoid, ctid) IN (
        SELECT tableoid, ctid FROM receipt WHERE received_at < $1 AND deadline < now() - $3::interval LIMIT $2
    )
    RETURNING id, subject, recorder, rank, kind, day, received_at
), heads AS (
    INSERT INTO fact_head (root, subject, revision, event_id, recorder, rank, kind, day, known)
    SELECT id, subject, 1, id, recorder, rank, kind, day, true FROM old
    WHERE subject IS NOT NULL
    ORDER BY id, subject, received_at
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM old
"""
