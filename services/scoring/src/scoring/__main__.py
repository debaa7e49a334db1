"""The command line of scoring."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer
from shared.runtime.console import JsonFlag, build_console, exit_with, out, print_json, run_async
from shared.runtime.logs import configure
from shared.runtime.settings import load

from scoring.cli import closing, maintenance, parked
from scoring.settings import ScoringSettings

main = build_console("scoring", "Keeps the score and the stars of every compound.")
rubric = typer.Typer(help="The rules that score.", no_args_is_help=True)
main.add_typer(rubric, name="rubric")
main.add_typer(parked.verbs, name="parked")


def _settings() -> ScoringSettings:
    settings = load(ScoringSettings)
    configure(settings.log, service="scoring")
    return settings


@main.command()
def serve() -> None:
    """Score and answer until SIGTERM or Ctrl-C."""
    # The other verbs start in half the time without the web server.
    from shared.runtime.serve import run

    from scoring.app import build

    settings = _settings()
    exit_with(run(settings, build(settings)))


@main.command()
def migrate(as_json: JsonFlag = False) -> None:
    """Bring the database to the revision that this program needs, and put its rubrics there."""
    revision = run_async(maintenance.migrate(_settings()))
    if as_json:
        print_json({"revision": revision})
    else:
        out.print(f"scoring is at revision {revision}")


@main.command()
def explain(
    compound: Annotated[str, typer.Argument(help="Id of the compound.")],
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Today by default.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Why a compound has its score on a day."""
    from scoring.cli import reading

    found = run_async(reading.explain(_settings(), compound, None if day is None else day.date()))
    if found is None:
        out.print(f"[red]{compound} was never registered[/red]", highlight=False)
        exit_with(1)
    elif as_json:
        print_json(found)
    else:
        reading.show(found)


@main.command()
def statistics(
    station: Annotated[str | None, typer.Option(help="Compounds of this station only.")] = None,
    community: Annotated[str | None, typer.Option(help="Compounds of this community only.")] = None,
    company: Annotated[str | None, typer.Option(help="Compounds of this company only.")] = None,
    to: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last of 365 days, yesterday by default.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """This year against the last, shares with their bases, compounds without a criminal case."""
    from scoring.cli import statistics as figures

    last = None if to is None else to.date()
    found = run_async(figures.statistics(_settings(), figures.Asked(company, community, station), last))
    if as_json:
        print_json(found)
    else:
        figures.show(found)


@rubric.command("list")
def rubric_list(as_json: JsonFlag = False) -> None:
    """All rubrics that this installation knows."""
    from scoring.cli import reading

    found = run_async(reading.rubrics(_settings()))
    if as_json:
        print_json(found)
    else:
        reading.show_rubrics(found)


@main.command("close-days")
def close_days(
    through: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Yesterday by default.")
    ] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Yes, these days are really over.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show how far days are closed; with --confirm let them close although the clocks do not agree."""
    settings = _settings()
    last: date | None = None if through is None else through.date()
    found = run_async(closing.close_days(settings, last, confirm=confirm))
    if as_json:
        print_json(found)
    else:
        closing.show(found)


@main.command()
def invariants(
    sample: Annotated[int, typer.Option(min=0, max=100_000, help="Compounds computed anew.")] = 100,
    seed: Annotated[int | None, typer.Option(help="Which ones; another choice each time by default.")] = None,
    patience: Annotated[
        float, typer.Option(min=0, max=86_400, help="Seconds that work, outcomes and days may wait.")
    ] = 300,
    outcomes: Annotated[
        int,
        typer.Option(min=0, max=100_000, help="Last outcomes read of each partition; 0: leave Kafka out."),
    ] = 1_000,
    as_json: JsonFlag = False,
) -> None:
    """Look whether everything holds that must hold, and touch nothing. Exit code 1: something does not."""
    import secrets

    from scoring.cli import invariants as holding

    asked = holding.Asked(sample, secrets.randbelow(2**31) if seed is None else seed, patience, outcomes)
    verdict = run_async(holding.check(_settings(), asked))
    if as_json:
        print_json(verdict.document())
    else:
        holding.show(verdict)
    if verdict.broken:
        exit_with(1)


if __name__ == "__main__":
    main()
