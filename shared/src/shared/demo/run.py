"""`anxing demo`: a district in a running system, then a live feed, or a summary with its audit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from stamina.instrumentation import set_on_retry_hooks

from shared.demo.audit.evidence import judge
from shared.demo.audit.reader import gather_evidence
from shared.demo.district import ZONE, build_district
from shared.demo.journal import Journal, Telling
from shared.demo.live import Show, show_until_cancelled
from shared.demo.loading import connect, load
from shared.demo.reading import NotAtRest, Reading
from shared.demo.receiver import Receiver
from shared.demo.sender import Progress, SendingFailed
from shared.demo.story import Story
from shared.demo.story import tell as tell_story
from shared.demo.summary import summarise, tell
from shared.embedded.settings import InstallationSettings
from shared.embedded.system import RunningSystem
from shared.runtime.console import err, out, print_json
from shared.runtime.settings import load as load_settings

SEED: Final = 2017
REST_SECONDS_MAX: Final = 180.0
EXIT_FAILED: Final = 1


async def demo(system: RunningSystem, *, once: bool, json: bool) -> int:
    """Loads the district and shows it; the exit code: 0, or 1 with the reason on standard error.

    A data directory keeps the story it was told first: a second run posts the same events again, is
    answered with replays, and changes nothing.
    """
    # Retries are counted and shown by ourselves; a log line would damage the live screen.
    set_on_retry_hooks(())
    with Journal(system.data) as journal:
        telling = journal.telling(Telling(SEED, datetime.now(ZONE).date()))
        district = build_district(seed=telling.seed, today=telling.today)
        story = await asyncio.to_thread(tell_story, district)
        run = system.run
        async with Receiver() as receiver, Reading(run.scoring, run.notify, run.credential) as reading:
            began = monotonic()
            try:
                webhooks = await connect(district, reading, receiver)
                with _bar(story, json=json) as on_progress:
                    await load(story, run.intake, run.credential, journal, on_progress)
                posted = monotonic()
                if not once:
                    addresses = (("评分", run.scoring), ("通知", run.notify))
                    show = Show(district, reading, receiver, journal, addresses)
                    receiver.on_notice = show.on_notice
                    await show_until_cancelled(show, run.intake, run.credential)
                    return 0
                with _waiting("计分与通知", json=json):
                    await reading.rest(REST_SECONDS_MAX)
            except (SendingFailed, NotAtRest) as reason:
                err.print(str(reason), style="red", highlight=False)
                return EXIT_FAILED
            settled = monotonic()
            with _waiting("核对", json=json):
                kafka = load_settings(InstallationSettings).kafka.model_copy(update={"bootstrap": run.kafka})
                verdict = judge(await gather_evidence(kafka, run.postgres, journal.answered))
            summary = summarise(
                compounds=await reading.compounds(),
                # The years of the story end with the day before it was told first.
                statistics=await reading.statistics(district.today - timedelta(days=1)),
                facts=len({event.identity for event in story.facts}),
                notices=len(receiver.notices),
                webhooks=webhooks,
                seconds={
                    "posting": posted - began,
                    "settling": settled - posted,
                    "audit": monotonic() - settled,
                },
                verdict=verdict,
            )
            _print(summary, json=json)
            return 0 if verdict.clean else EXIT_FAILED


def _print(summary: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(summary)
    else:
        tell(summary)


@contextlib.contextmanager
def _bar(story: Story, *, json: bool) -> Iterator[Callable[[Progress], None]]:
    """A progress bar over the distinct events of a story; to standard error when output is for programs."""
    console = err if json else out
    bar = Bar(
        TextColumn("  报送事实"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=not console.is_terminal,
        disable=not console.is_terminal,
    )
    total = len(story.identities)
    with bar:
        task = bar.add_task("", total=total)
        yield lambda progress: bar.update(task, completed=progress.answered + progress.refused)
    if not console.is_terminal:
        console.print(f"  · 已报送 {total:,} 条", highlight=False)


@contextlib.contextmanager
def _waiting(what: str, *, json: bool) -> Iterator[None]:
    console = err if json else out
    with console.status(f"{what} …") if console.is_terminal else contextlib.nullcontext():
        yield
