"""The command line of notify."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer
from shared.runtime.console import JsonFlag, build_console, exit_with, out, print_json, run_async
from shared.runtime.logs import configure
from shared.runtime.migrations import migrate as bring_up_to_date
from shared.runtime.settings import load

from notify import sealing
from notify.cli import preview as previews
from notify.cli import release as releases
from notify.cli import why as reasons
from notify.settings import MIGRATIONS, Settings

main = build_console("notify", "Tells bureaus, communities, committees and companies, and keeps the record.")


@main.command()
def serve() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    # The other verbs start in half the time without the web server.
    from shared.runtime.serve import run

    from notify.app import build

    settings = load(Settings)
    configure(settings.log, service="notify")
    exit_with(run(settings, build(settings)))


@main.command()
def migrate(as_json: JsonFlag = False) -> None:
    """Bring the database to the revision that this program needs."""
    settings = load(Settings)
    configure(settings.log, service="notify")
    database = settings.database
    revision = run_async(
        bring_up_to_date(MIGRATIONS, database.url, connect_deadline_seconds=database.connect_deadline_seconds)
    )
    if as_json:
        print_json({"revision": revision})
    else:
        out.print(f"notify is at revision {revision}")


@main.command()
def keygen(as_json: JsonFlag = False) -> None:
    """Make a key for ANXING_NOTIFY__ENCRYPTION_KEY: keep it, without it no secret can be opened."""
    key = sealing.new_key()
    if as_json:
        print_json({"key": key})
    else:
        typer.echo(key)


@main.command()
def preview(
    kind: Annotated[str, typer.Argument(help="A type without prefix: star.changed. Leave out for all.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Show how notices read, on made-up outcomes."""
    letters = previews.render(kind)
    if as_json:
        print_json({letter.kind: {"title": letter.title, "text": letter.text} for letter in letters})
        return
    for letter in letters:
        out.rule(letter.kind, align="left")
        out.print(f"[bold]{letter.title}[/bold]\n{letter.text}\n", highlight=False)


@main.command()
def release(
    endpoint: Annotated[UUID, typer.Argument(help="An endpoint that is active again.")],
    as_json: JsonFlag = False,
) -> None:
    """Send what was parked for an endpoint."""
    settings = load(Settings)
    configure(settings.log, service="notify")
    released = run_async(releases.release(settings, endpoint))
    if as_json:
        print_json({"released": released})
    else:
        out.print(f"{released} deliveries are due again")


@main.command()
def why(
    outcome: Annotated[UUID, typer.Option(help="Id of the outcome.")],
    recipient: Annotated[str | None, typer.Option(help="kind:organisation; all when left out.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Why somebody was told of an outcome, or not, and what became of it."""
    settings = load(Settings)
    configure(settings.log, service="notify")
    found = run_async(reasons.explain(settings, outcome, recipient))
    if as_json:
        print_json(found)
    else:
        reasons.show(found)
    if not found:
        exit_with(1)


if __name__ == "__main__":
    main()
