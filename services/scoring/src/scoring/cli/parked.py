"""`scoring parked`: records that could not be used: what they are, try them again, or give them up."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer
from shared.events.topics import FACTS, REGISTRY
from shared.runtime.console import JsonFlag, exit_with, out, print_json, run_async
from shared.runtime.database import Database
from shared.runtime.errors import StartupError
from shared.runtime.logs import configure
from shared.runtime.settings import load

from scoring.cli import parked_pages as pages
from scoring.settings import ScoringSettings
from scoring.store import parked as store
from scoring.store.parked import Connection, Place, Wanted

verbs = typer.Typer(help="Records that could not be used.", no_args_is_help=True)

EXIT_NONE = 1
"""Nothing is parked there, or something of it still cannot be used."""
EXIT_WAITING = 3
"""Asked for, but nobody has tried it yet."""
POLL_SECONDS = 0.1

T = TypeVar("T")
Places = Annotated[list[str] | None, typer.Argument(help="TOPIC/PARTITION/OFFSET, as `list` shows them.")]
Code = Annotated[str | None, typer.Option(help="All that are parked for this reason.")]
Actor = Annotated[str | None, typer.Option(help="Who asks; the login name by default.")]


@verbs.command("list")
def list_parked(code: Code = None, as_json: JsonFlag = False) -> None:
    """Parked records that nobody has resolved yet, the last first."""
    found = _on_database(lambda connection, _: store.listed(connection, code))
    if as_json:
        print_json([dict(row) for row in found])
    else:
        pages.show_list(found)


@verbs.command()
def show(
    place: Annotated[str, typer.Argument(help="TOPIC/PARTITION/OFFSET.")], as_json: JsonFlag = False
) -> None:
    """One record with its bytes, or who resolved it and how."""
    wanted = _place(place)
    row = _on_database(lambda connection, _: store.find(connection, wanted))
    if row is None:
        _nothing(as_json)
    elif as_json:
        print_json(pages.document(row))
    else:
        pages.show_one(row)


@verbs.command()
def retry(
    places: Places = None,
    code: Code = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is parked.")] = False,
    actor: Actor = None,
    wait: Annotated[
        float, typer.Option(min=0, max=86_400, help="Seconds to wait for what becomes of it.")
    ] = 30,
    as_json: JsonFlag = False,
) -> None:
    """Try records again: each counts once, or stays parked with its new reason.

    The running service does it. Exit code 1: some still cannot be used; 3: not yet tried.
    """
    wanted, who = _wanted(places, code, everything=everything), _actor(actor)
    found = _on_database(lambda connection, settings: _retry(connection, settings, wanted, who, wait))
    if not found:
        _nothing(as_json)
    if as_json:
        print_json(found)
    else:
        pages.show_retried(found)
    states = {one["state"] for one in found}
    exit_with(EXIT_WAITING if "waiting" in states else EXIT_NONE if "parked" in states else 0)


@verbs.command()
def drop(
    reason: Annotated[str, typer.Option(help="Why they will never be used; kept for ever.")],
    places: Places = None,
    code: Code = None,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Give records up for good: who, when, why and a hash of the bytes are kept."""
    if not reason.strip():
        raise StartupError("A record is dropped for a reason: --reason TEXT.")
    wanted, who = _wanted(places, code), _actor(actor)
    rows = _on_database(lambda connection, _: store.drop(connection, wanted, who, reason.strip()))
    if not rows:
        _nothing(as_json)
    if as_json:
        print_json([pages.document(row) for row in rows])
    else:
        pages.show_dropped(rows, who)


async def _retry(
    connection: Connection, settings: ScoringSettings, wanted: Wanted, actor: str, wait_seconds: float
) -> list[dict[str, Any]]:
    kinds = store.kinds(settings.kafka.name_of(FACTS), settings.kafka.name_of(REGISTRY))
    places = await store.ask_for_retry(connection, wanted, actor, kinds)
    now = asyncio.get_running_loop().time
    until = now() + wait_seconds
    while True:
        if not await store.still_asked(connection, places, kinds) or now() >= until:
            break
        await asyncio.sleep(POLL_SECONDS)
    return [await _became(connection, place, kinds) for place in places]


async def _became(connection: Connection, place: Place, kinds: dict[str, str]) -> dict[str, Any]:
    """{`place`, `state`: counted, dropped, parked, waiting; `fate` or `code` and `detail`}."""
    waiting = await store.still_asked(connection, [place], kinds)
    row = await store.find(connection, place)
    assert row is not None, "what was parked stays, or leaves word of what became of it"
    told: dict[str, Any] = {"place": str(place)}
    if "resolution" in row:
        return {**told, "state": row["resolution"], "fate": row["fate"]}
    reason = {"code": row["code"], "detail": row["detail"], "attempts": row["attempts"]}
    return {**told, "state": "waiting" if waiting else "parked", **reason}


def _on_database(ask: Callable[[Connection, ScoringSettings], Awaitable[T]]) -> T:
    settings = load(ScoringSettings)
    configure(settings.log, service="scoring")

    async def asked() -> T:
        database = await Database.open(settings.database, application_name="scoring/parked")
        try:
            async with database.pool.acquire() as connection:
                return await ask(connection, settings)
        finally:
            await database.close()

    return run_async(asked())


def _wanted(places: Sequence[str] | None, code: str | None, *, everything: bool = False) -> Wanted:
    if not places and code is None and not everything:
        raise StartupError(
            "Say which records: TOPIC/PARTITION/OFFSET as `parked list` shows them, or --code."
        )
    return Wanted(everything, code, [_place(text) for text in places or ()])


def _place(text: str) -> Place:
    match text.split("/"):
        case [topic, partition, offset] if topic and partition.isdecimal() and offset.isdecimal():
            return Place(topic, int(partition), int(offset))
    raise StartupError(f"{text} is no place: it must be TOPIC/PARTITION/OFFSET, as `parked list` shows them.")


def _actor(given: str | None) -> str:
    if given is not None and given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise StartupError("Nobody is logged in here: say who asks with --actor NAME.") from None


def _nothing(as_json: bool) -> None:
    if as_json:
        print_json([])
    else:
        out.print("没有这样的搁置记录 · nothing like that is parked")
    exit_with(EXIT_NONE)
