"""The bounded field types that the contracts are made of (bounds: contracts.md, intake.md)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

# `$` alone would let a trailing newline through in Python; ECMAScript, which JSON Schema speaks,
# reads the look-ahead just as well.
END: Final = r"(?!\n)$"
UUID_PATTERN: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}" + END
SUBJECT_PATTERN: Final = "^[A-Za-z0-9._-]{1,64}" + END
SAFE_INTEGER: Final = 2**53 - 1  # the largest that every JSON reader keeps exact


class Sent(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """Data that senders write: closed, so that a misspelt field is refused and not lost."""


class Announced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Data that the services write: open, so that an older reader lives with a newer writer."""


EntityId = Annotated[str, Meta(pattern=SUBJECT_PATTERN, description="Id of a registered entity")]
EventId = Annotated[str, Meta(pattern=UUID_PATTERN, description="Id of an event, a UUID")]
# Ids that field apps make up for a hazard, a dispute, a veto or an objection.
CaseId = Annotated[str, Meta(min_length=1, max_length=128)]
Item = Annotated[str, Meta(pattern="^[A-Z][0-9]{1,2}" + END, description="Item of the rubric")]
Checkpoint = Annotated[
    str, Meta(min_length=1, max_length=128, description="The physical place judged: gate 2, camera 14")
]
FindingCode = Annotated[str, Meta(min_length=1, max_length=128, description="Code of what was found")]
Code = Annotated[str, Meta(pattern="^[0-9]{6}" + END, description="Code of the taxonomy of incidents")]
Narrative = Annotated[
    str, Meta(max_length=4096, description="Free text: stays on the facts topic and in scoring")
]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}" + END, description="SHA-256, lower-case hexadecimal")]
Evidence = Annotated[tuple[Sha256, ...], Meta(max_length=30, description="SHA-256 of pictures")]
Count = Annotated[int, Meta(ge=0, le=10_000_000)]
Milli = Annotated[int, Meta(ge=-SAFE_INTEGER, le=SAFE_INTEGER, description="Milli-points: 1 point = 1,000")]
Year = Annotated[int, Meta(ge=2000, le=2200)]
HazardClass = Literal["immediate", "ordinary", "major", "capital"]
VetoCode = Literal["V1", "V2", "V3", "V4", "V5"]
