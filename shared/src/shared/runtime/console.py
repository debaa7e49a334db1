"""The command line of a service: Typer, with one way to fail and one way to print for programs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console as RichConsole

from shared.runtime.errors import StartupError

EXIT_STARTUP = 2
EXIT_INTERRUPTED = 130

T = TypeVar("T")

# Results go to standard output; everything that is only for people watching goes to standard error.
out = RichConsole()
err = RichConsole(stderr=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]


class Verbs(typer.Typer):
    """The verbs of one program; calling it runs the one that was asked for and ends the process."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except StartupError as error:
            print(error.sentence, file=sys.stderr)  # noqa: T201 - one plain sentence, whatever the terminal is
            sys.exit(EXIT_STARTUP)
        except KeyboardInterrupt:
            sys.exit(EXIT_INTERRUPTED)


def build_console(name: str, purpose: str) -> Verbs:
    """An empty command line; add verbs with `@app.command()`."""
    app = Verbs(
        name=name,
        help=purpose,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )

    @app.callback()
    def root() -> None:
        """Keep verbs as verbs, even when there is only one."""

    root.__doc__ = purpose
    return app


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end; Ctrl-C cancels it and ends the process without a word."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None


def exit_with(code: int) -> None:
    """End the verb with that exit code."""
    raise typer.Exit(code)


def print_json(value: Any) -> None:
    """One JSON document on standard output, whatever the terminal is: dates and structs included."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    # Some verbs go on for hours after it, and whoever reads the pipe waits for it now.
    sys.stdout.flush()


def percent(permyriad: int | None, *, signed: bool = False) -> str:
    """Ten thousandths as per cent for people, -1262 as −12.62 %; a dash where there is nothing to compare."""
    if permyriad is None:
        return "—"
    sign = "−" if permyriad < 0 else "+" if signed and permyriad > 0 else ""
    whole, rest = divmod(abs(permyriad), 100)
    return f"{sign}{whole}.{rest:02} %"
