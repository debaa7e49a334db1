"""The command line of intake."""

from __future__ import annotations

from typing import Annotated

import typer
from shared.runtime.console import build_console, exit_with, out, print_json, run_async
from shared.runtime.logs import configure
from shared.runtime.migrations import migrate as bring_up_to_date
from shared.runtime.migrations import migrations_of
from shared.runtime.settings import load

from intake.cli.keys import keys
from intake.cli.people import people
from intake.settings import IntakeSettings

main = build_console("intake", "The door for facts: authenticates, validates, de-duplicates, publishes.")
main.add_typer(keys, name="keys")
main.add_typer(people, name="people")


@main.command()
def serve() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    # The other verbs start in half the time without the web server.
    from shared.runtime.serve import run

    from intake.app import build

    settings = load(IntakeSettings)
    configure(settings.log, service="intake")
    exit_with(run(settings, build(settings)))


@main.command()
def migrate(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")] = False,
) -> None:
    """Bring the database to the revision that this program needs."""
    settings = load(IntakeSettings)
    configure(settings.log, service="intake")
    revision = run_async(bring_up_to_date(migrations_of(__file__), settings.database.url))
    if as_json:
        print_json({"revision": revision})
    else:
        out.print(f"intake is at revision {revision}")


if __name__ == "__main__":
    main()
