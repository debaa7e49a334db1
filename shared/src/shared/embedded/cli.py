"""`anxing`: the verbs of one laptop. `topics` works without the extra packages; compose runs it."""

import asyncio
import contextlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from shared.runtime.console import (
    EXIT_INTERRUPTED,
    JsonFlag,
    build_console,
    err,
    exit_with,
    out,
    print_json,
    run_async,
)
from shared.runtime.errors import StartupError
from shared.runtime.logs import configure
from shared.runtime.settings import LogSettings, load

main = build_console("anxing", "Anxing on one machine: servers, services and the demo.")

Data = Annotated[Path, typer.Option("--data", help="Where everything is kept.", envvar="ANXING_DATA")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Empty the data directory first.")]
Replicas = Annotated[list[str] | None, typer.Option("--replicas", help="Such as scoring=3; may be repeated.")]
KafkaPort = Annotated[int | None, typer.Option("--kafka-port", help="This port or none.", min=1, max=65535)]
PostgresPort = Annotated[
    int | None, typer.Option("--postgres-port", help="This port or none.", min=1, max=65535)
]
DEFAULT_DATA = Path(".anxing")


@main.command()
def up(
    data: Data = DEFAULT_DATA,
    fresh: Fresh = False,
    replicas: Replicas = None,
    kafka_port: KafkaPort = None,
    postgres_port: PostgresPort = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when ready; end it with `down`.")] = False,
    json: JsonFlag = False,
) -> None:
    """Start everything and keep it running until Ctrl-C."""
    with _extra():
        from shared.embedded import detach as background
        from shared.embedded.foreground import hold
        from shared.embedded.services import replicas_from
        from shared.embedded.system import RunningSystem, Wishes
        from shared.embedded.system import running as running_system
        from shared.embedded.terminal import Teller, tell_addresses

    _quiet()
    wishes = Wishes(data, fresh, replicas_from(replicas or []), kafka_port, postgres_port)

    def tell(system: RunningSystem) -> None:
        if json:
            print_json(system.run.shown())
        else:
            tell_addresses(system)

    async def stay(system: RunningSystem) -> int:
        tell(system)
        if not json:
            out.print("\n  按 Ctrl-C 停止\n", highlight=False)
        await asyncio.Event().wait()
        return 0

    already = running_system(data)
    if already is not None:
        if fresh:
            raise StartupError("It runs, and --fresh would empty it under its feet: `anxing down` first.")
        err.print(f"已在运行（{data}）")
        tell(already)
    elif detach:
        tell(background.up_detached(wishes))
    else:
        exit_with(run_async(hold(wishes, stay, Teller(json=json), interrupted=0)))


@main.command()
def demo(
    data: Data = DEFAULT_DATA,
    fresh: Fresh = False,
    replicas: Replicas = None,
    once: Annotated[bool, typer.Option("--once", help="Load, wait until all is told, audit, exit.")] = False,
    json: JsonFlag = False,
) -> None:
    """Start everything with a generated district in it."""
    with _extra():
        from shared.embedded.foreground import hold
        from shared.embedded.services import replicas_from
        from shared.embedded.system import RunningSystem, Wishes
        from shared.embedded.system import running as running_system
        from shared.embedded.terminal import Teller

        demonstration = import_module("shared.demo.run")

    _quiet()

    async def show(system: RunningSystem) -> int:
        code: int = await demonstration.demo(system, once=once, json=json)
        return code

    already = running_system(data)
    if already is not None and not fresh:
        err.print(f"使用已在运行的系统（{data}）")
        exit_with(run_async(show(already)))
    wishes = Wishes(data, fresh, replicas_from(replicas or []))
    exit_with(run_async(hold(wishes, show, Teller(json=json), interrupted=EXIT_INTERRUPTED)))


@main.command()
def down(data: Data = DEFAULT_DATA, json: JsonFlag = False) -> None:
    """End what runs on the data directory."""
    with _extra():
        from shared.embedded.detach import down as end_all

    ended = end_all(data)
    if json:
        print_json({"ended": ended})
    else:
        out.print(f"已停止：{'、'.join(ended)}" if ended else "没有正在运行的进程", highlight=False)


@main.command()
def status(data: Data = DEFAULT_DATA, json: JsonFlag = False) -> None:
    """Show what runs, how far behind it is, and what waits. Exit code 3 when it does not run."""
    with _extra():
        from shared.embedded.status import status_of
        from shared.embedded.terminal import tell_status

    _quiet()
    found = run_async(status_of(data))
    if json:
        print_json(found)
    elif found["processes"]:
        tell_status(found)
    else:
        out.print("没有正在运行的进程", highlight=False)
    exit_with(0 if found["running"] else 3)


@main.command()
def doctor(data: Data = DEFAULT_DATA, json: JsonFlag = False) -> None:
    """Show what this machine lacks and how to get it. Exit code 1 when something is missing."""
    with _extra():
        from dataclasses import asdict

        from shared.embedded.doctor import examine
        from shared.embedded.terminal import tell_findings

    findings = [asdict(finding) for finding in examine(data)]
    if json:
        print_json({"findings": findings})
    else:
        tell_findings(findings)
    exit_with(1 if any(finding["state"] == "missing" for finding in findings) else 0)


@main.command()
def topics(json: JsonFlag = False) -> None:
    """Create the topics that are missing on the Kafka of ANXING_KAFKA__BOOTSTRAP."""
    from shared.embedded.settings import InstallationSettings
    from shared.runtime.topics import ensure_topics

    _quiet()
    created = run_async(ensure_topics(load(InstallationSettings).kafka))
    if json:
        print_json({"created": created})
    else:
        out.print(f"已创建：{'、'.join(created)}" if created else "主题均已存在", highlight=False)


def _quiet() -> None:
    """Libraries complain while servers are still starting; people read our sentences, not theirs."""
    configure(LogSettings(level="error"), service="anxing")


@contextlib.contextmanager
def _extra() -> Iterator[None]:
    """Imports of packages that service images leave out."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name == "fcntl":
            raise StartupError("Windows is served through WSL 2: run this in its Linux.") from error
        if (error.name or "").partition(".")[0] not in {"aiohttp", "jgo", "psutil"}:
            raise
        raise StartupError(
            f"This verb needs the package {error.name}: install anxing-shared with its extra `embedded`."
        ) from error
