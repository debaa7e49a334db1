"""The statements behind `Lanes`: each serves a whole round, whatever the number of rows."""

from __future__ import annotations

WORKER_LOCK_CLASS = 0x6E6F7469
"""First half of the advisory lock that a living worker holds; the second is its number."""

# One per column of a lane's health, $1 to $14.
HEALTH_ARRAYS = """
    $1::smallint[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::int[], $6::float8[],
    $7::timestamptz[], $8::text[], $9::timestamptz[], $10::int[], $11::timestamptz[], $12::int[], $13::int[],
    $14::int[]
"""
_HEALTH_NAMES = """
    slots, slow_until, paused_until, failing_since, failures, tokens, tokens_at, breaker, open_until,
    open_seconds, window_from, window_attempts, window_failures, unreached_run
"""
_SET_HEALTH = """
    slots = new.slots, slow_until = new.slow_until, paused_until = new.paused_until,
    failing_since = new.failing_since, failures = new.failures, tokens = new.tokens,
    tokens_at = coalesce(new.tokens_at, lane.tokens_at), breaker = new.breaker, open_until = new.open_until,
    open_seconds = new.open_seconds, window_from = new.window_from,
    window_attempts = new.window_attempts, window_failures = new.window_failures,
    unreached_run = new.unreached_run
"""

# A result counts only while its claim holds; that it came is recorded either way.
FINISH = """
WITH ended AS MATERIALIZED (
    SELECT r.*, l.claim IS NOT NULL AS accepted
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::smallint[], $5::text[], $6::text[],
                $7::smallint[], $8::real[], $9::text[], $10::text[], $11::timestamptz[], $12::text[],
                $13::text[], $14::float8[])
        AS r(delivery_id, endpoint_id, claim, attempt, verdict, cause, status, seconds, address, response,
             ended_at, state, final_cause, delay)
    LEFT JOIN lane l ON l.endpoint_id = r.endpoint_id AND l.claim = r.claim
), recorded AS (
    INSERT INTO attempt_ended (delivery_id, claim, attempt, verdict, cause, status, seconds, address,
                               response, accepted, ended_at)
    SELECT delivery_id, claim, attempt, verdict, cause, status, seconds, address,
           response, accepted, ended_at
    FROM ended
    ON CONFLICT DO NOTHING
), gone AS (
    DELETE FROM delivery_due d USING ended e
    WHERE d.delivery_id = e.delivery_id AND e.accepted AND e.state IS NOT NULL
), unparked AS (
    DELETE FROM delivery_parked d USING ended e
    WHERE d.delivery_id = e.delivery_id AND e.accepted AND e.state IS NOT NULL
), later AS (
    UPDATE delivery_due d
    SET attempt = e.attempt + 1, not_before = now() + make_interval(secs => e.delay)
    FROM ended e
    WHERE d.delivery_id = e.delivery_id AND e.accepted AND e.delay IS NOT NULL
), closed AS (
    UPDATE delivery d
    SET state = e.state, attempts = e.attempt, cause = e.final_cause, finished_at = e.ended_at
    FROM ended e
    WHERE d.id = e.delivery_id AND e.accepted AND e.state IS NOT NULL
)
SELECT DISTINCT claim FROM ended WHERE NOT accepted
"""

SUSPEND = """
UPDATE lane SET state = 'suspended', state_cause = $2, state_since = now(), next_due = 'infinity'
WHERE endpoint_id = $1
"""

PARK = """
WITH moved AS (
    DELETE FROM delivery_due WHERE endpoint_id = $1
    RETURNING delivery_id, endpoint_id, notice_id, urgency, attempt
), parked AS (
    INSERT INTO delivery_parked (delivery_id, endpoint_id, notice_id, urgency, attempt)
    SELECT delivery_id, endpoint_id, notice_id, urgency, attempt FROM moved
)
UPDATE delivery SET state = 'parked' FROM moved WHERE delivery.id = moved.delivery_id
"""

RELEASE_PARKED = """
WITH moved AS (
    DELETE FROM delivery_parked WHERE delivery_id IN (
        SELECT delivery_id FROM delivery_parked WHERE endpoint_id = $1 ORDER BY parked_at LIMIT $2
    )
    RETURNING delivery_id, endpoint_id, notice_id, urgency, attempt
), due AS (
    INSERT INTO delivery_due (delivery_id, endpoint_id, notice_id, urgency, attempt, not_before)
    SELECT delivery_id, endpoint_id, notice_id, urgency, 1, now() FROM moved
), lasting AS (
    UPDATE delivery SET state = 'due' FROM moved WHERE delivery.id = moved.delivery_id
)
SELECT count(*) FROM moved
"""

LOCK = """
SELECT FROM lane WHERE endpoint_id = ANY($1::uuid[]) ORDER BY endpoint_id FOR NO KEY UPDATE
"""

KEEP = f"""
UPDATE lane SET held_until = now() + make_interval(secs => $17), {_SET_HEALTH}
FROM unnest({HEALTH_ARRAYS}, $15::uuid[], $16::bigint[]) AS new({_HEALTH_NAMES}, endpoint_id, claim)
WHERE lane.endpoint_id = new.endpoint_id AND lane.claim = new.claim
RETURNING lane.claim
"""  # noqa: S608 - made of the constants above

# Runs after LOCK, in a statement of its own: its snapshot has all rows that were committed before the lock
# was ours, and no others can be committed without the lock.
RELEASE = f"""
UPDATE lane SET
    claim = NULL, worker = NULL, held_until = coalesce(new.blocked_until, '-infinity'),
    next_due = CASE WHEN lane.state = 'active'
        THEN coalesce(least(urgent_due.at, other_due.at), 'infinity') ELSE 'infinity' END,
    urgent = urgent_due.at IS NOT NULL,
    {_SET_HEALTH}
FROM unnest({HEALTH_ARRAYS}, $15::uuid[], $16::bigint[], $17::timestamptz[])
        AS new({_HEALTH_NAMES}, endpoint_id, claim, blocked_until)
    LEFT JOIN LATERAL (
        SELECT min(not_before) AS at FROM delivery_due
        WHERE delivery_due.endpoint_id = new.endpoint_id AND urgency = 0
    ) urgent_due ON true
    LEFT JOIN LATERAL (
        SELECT min(not_before) AS at FROM delivery_due
        WHERE delivery_due.endpoint_id = new.endpoint_id AND urgency = 1
    ) other_due ON true
WHERE lane.endpoint_id = new.endpoint_id AND lane.claim = new.claim
"""  # noqa: S608 - made of the constants above

LEASE = """
WITH due AS (
    SELECT endpoint_id FROM lane
    WHERE state = 'active' AND greatest(next_due, held_until) <= statement_timestamp()
      AND (coalesce(slow_until, '-infinity') > statement_timestamp()) = $3
      AND (urgent OR NOT $4)
    ORDER BY greatest(next_due, held_until)
    LIMIT $1
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE lane SET claim = nextval('claim_number'), worker = $5,
    held_until = statement_timestamp() + make_interval(secs => $2)
FROM due JOIN endpoint ON endpoint.id = due.endpoint_id
    CROSS JOIN LATERAL (
        SELECT array_agg(number ORDER BY number DESC) AS numbers,
               array_agg(key_id ORDER BY number DESC) AS key_ids,
               array_agg(ciphertext ORDER BY number DESC) AS ciphertexts
        FROM endpoint_secret s
        WHERE s.endpoint_id = due.endpoint_id AND s.valid_from <= now()
          AND (s.valid_until IS NULL OR s.valid_until > now())
    ) secrets
WHERE lane.endpoint_id = due.endpoint_id
RETURNING lane.*, endpoint.recipient_id, endpoint.channel, endpoint.target,
    coalesce(secrets.numbers, '{}') AS numbers, coalesce(secrets.key_ids, '{}') AS key_ids,
    coalesce(secrets.ciphertexts, '{}') AS ciphertexts
"""

TAKE = """
WITH taken AS MATERIALIZED (
    SELECT d.delivery_id, w.endpoint_id, d.notice_id, d.attempt, w.claim
    FROM unnest($1::uuid[], $2::int[], $3::bigint[]) AS w(endpoint_id, count, claim)
    CROSS JOIN LATERAL (
        SELECT delivery_id, notice_id, attempt FROM delivery_due
        WHERE delivery_due.endpoint_id = w.endpoint_id AND not_before <= statement_timestamp()
          AND delivery_id <> ALL($4::uuid[])
        ORDER BY urgency, not_before, delivery_id
        LIMIT w.count
    ) d
), started AS (
    INSERT INTO attempt_started (delivery_id, claim, attempt, worker)
    SELECT delivery_id, claim, attempt, $5 FROM taken
    ON CONFLICT DO NOTHING
)
SELECT t.delivery_id, t.endpoint_id, t.notice_id, t.attempt, n.payload, n.outcome_id, n.outcome_type,
       n.subject
FROM taken t JOIN notice n ON n.id = t.notice_id
"""

# A worker that is gone holds its lock no longer: what it had leased need not wait for the lease to end.
REAP = """
UPDATE lane SET claim = NULL, worker = NULL, held_until = '-infinity', next_due = least(next_due, now())
WHERE claim IS NOT NULL AND worker <> $2 AND worker NOT IN (
    SELECT objid::bigint::int FROM pg_locks
    WHERE locktype = 'advisory' AND classid = $1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
RETURNING endpoint_id
"""
