"""The outbox: an announcement is a row of the transaction that decided it; relays publish the rows."""

from shared.runtime.outbox.relay import Relay
from shared.runtime.outbox.rows import (
    DDL,
    UNORDERED_DDL,
    OutboxRow,
    UnorderedRow,
    append,
    append_unordered,
)
from shared.runtime.outbox.unordered import UnorderedRelay

__all__ = [
    "DDL",
    "UNORDERED_DDL",
    "OutboxRow",
    "Relay",
    "UnorderedRelay",
    "UnorderedRow",
    "append",
    "append_unordered",
]
