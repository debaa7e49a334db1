"""`notify why`: the decisions on an outcome, and what became of each notice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
import typer
from rich.table import Table
from shared.runtime.console import err, out
from shared.runtime.database import Database

from notify.settings import Settings

_WHY = """
SELECT d.recipient_id, d.action, d.rule, d.reason, d.decided_at, e.channel, v.state, v.cause, v.finished_at
FROM decision d
    LEFT JOIN notice n ON n.outcome_id = d.outcome_id AND n.recipient_id = d.recipient_id
    LEFT JOIN delivery v ON v.notice_id = n.id
    LEFT JOIN endpoint e ON e.id = v.endpoint_id
WHERE d.outcome_id = $1 AND ($2::text IS NULL OR d.recipient_id = $2)
ORDER BY d.recipient_id, e.channel
"""


class Reason(msgspec.Struct, frozen=True):
    """One decision, and one delivery of it if there is any."""

    recipient: str
    action: str
    rule: str
    reason: str | None
    decided_at: datetime
    channel: str | None
    delivery: str | None
    cause: str | None
    finished_at: datetime | None


async def explain(settings: Settings, outcome: UUID, recipient: str | None) -> list[Reason]:
    """Everything decided about an outcome; nothing when it is not known."""
    database = await Database.open(settings.database, application_name="notify/why")
    try:
        return [Reason(*row) for row in await database.pool.fetch(_WHY, outcome, recipient)]
    finally:
        await database.close()


def show(reasons: list[Reason]) -> None:
    """A table in a terminal, lines divided by tabs elsewhere."""
    if not reasons:
        err.print("Nothing was decided about this outcome: it is unknown here.")
        return
    rows = [_HEAD, *(_cells(one) for one in reasons)]
    if not out.is_terminal:
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table(*_HEAD)
    for row in rows[1:]:
        table.add_row(*row)
    out.print(table)


_HEAD = ("recipient", "action", "rule", "reason", "channel", "delivery", "cause")


def _cells(one: Reason) -> tuple[str, ...]:
    return (
        one.recipient,
        one.action,
        one.rule,
        one.reason or "",
        one.channel or "",
        one.delivery or "",
        one.cause or "",
    )
