"""What the verbs about keys and about persons are asked alike, and the settings that both need."""

from __future__ import annotations

from typing import Annotated

import typer
from shared.runtime.logs import configure
from shared.runtime.settings import load

from intake.domain.roles import ORDER
from intake.settings import KeySettings

Names = list[str] | None
RolesOption = Annotated[Names, typer.Option("--role", help=f"One of {', '.join(ORDER)}; may be repeated.")]
Everything = Annotated[bool, typer.Option("--everything", help="Reaches all compounds.")]
Compounds = Annotated[Names, typer.Option("--compound", help="Reaches this compound; may be repeated.")]
Communities = Annotated[Names, typer.Option("--community", help="Reaches the compounds of this one.")]
Stations = Annotated[Names, typer.Option("--station", help="Reaches the compounds of this one.")]


def key_settings() -> KeySettings:
    """The settings of a verb, with its logging set up; raises StartupError."""
    settings = load(KeySettings)
    configure(settings.log, service="intake")
    return settings
