"""Each protection is taken out of a copy of the source, and a test on real servers has to miss it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import KAFKA_VARIABLE, POSTGRES_VARIABLE, SessionServers

ROOT = Path(__file__).parents[2]
# As they lie in the repository: a service finds its migrations beside its source.
SOURCES = ("shared/src", "services/scoring", "services/notify")
ENGINE, SCORING, NOTIFIER = (
    "shared/src/shared/runtime",
    "services/scoring/src/scoring",
    "services/notify/src/notify",
)
SECONDS_MAX = 170


@dataclass(frozen=True)
class Tooth:
    """Replace `old` by `new` in a module of `package`: `test` must fail."""

    name: str
    module: str
    old: str
    new: str
    test: str
    package: str = ENGINE


RULES = "tests/unit/shared/runtime/test_consume_rules.py"
INBOX = "tests/unit/shared/runtime/test_inbox.py"
OWNERSHIP = "tests/integration/runtime/test_ownership.py"
FAILURES = "tests/integration/runtime/test_failures.py"
LOG = "tests/integration/runtime/test_log.py"
RELAYS = "tests/integration/runtime/test_relays.py"
PARKED = "tests/integration/scoring/test_parked.py"
NOTIFY = "tests/integration/notify/test_service.py"

TEETH = [
    Tooth(
        "the epoch is not compared",
        "cursor.py",
        "WHERE c.epoch = w.epoch AND c.next_offset = w.old_offset",
        "WHERE c.next_offset = w.old_offset",
        f"{OWNERSHIP}::test_a_fenced_owner_commits_nothing_and_comes_back",
    ),
    Tooth(
        "the offset is not compared",
        "cursor.py",
        "WHERE c.epoch = w.epoch AND c.next_offset = w.old_offset",
        "WHERE c.epoch = w.epoch",
        f"{OWNERSHIP}::test_compare_and_set_moves_a_cursor_once",
    ),
    Tooth(
        "a part of the cursors is enough",
        "consume/writer.py",
        "if len(before) < len(steps):",
        "if not before:",
        f"{OWNERSHIP}::test_a_batch_with_one_fenced_partition_writes_nothing",
    ),
    Tooth(
        "a frozen owner is waited for",
        "consume/claimer.py",
        "ended = await cursor.terminate_owner(connection, partition)",
        "ended = False",
        f"{OWNERSHIP}::test_an_owner_frozen_in_a_transaction_is_ended",
    ),
    Tooth(
        "the start of a backend is not compared",
        "cursor.py",
        "a.pid = c.owner_pid AND a.backend_start = c.owner_started",
        "a.pid = c.owner_pid",
        f"{OWNERSHIP}::test_only_the_recorded_backend_is_ended",
    ),
    Tooth(
        "a claim does not seek",
        "consume/inbox.py",
        "            self._log.seek(partition, reading.expected)\n        self._log.resume(self._readings)",
        "            pass\n        self._log.resume(self._readings)",
        f"{LOG}::test_positions_of_the_group_do_not_matter",
    ),
    Tooth(
        "a fetch from before a seek is taken",
        "consume/offsets.py",
        "if position is None or position <= last:",
        "if position is None:",
        f"{INBOX}::test_a_fetch_from_before_a_failure_is_dropped",
    ),
    Tooth(
        "every jump is taken for a gap",
        "consume/offsets.py",
        "if first in {self.expected, self.begins}",
        "if first >= self.expected",
        f"{LOG}::test_a_jump_of_the_position_is_not_taken_for_a_gap",
    ),
    Tooth(
        "nobody looks at the ends of the log",
        "consume/claimer.py",
        "if bounds.start <= next_offset <= bounds.end:",
        "if bounds:",
        f"{LOG}::test_records_deleted_under_a_running_consumer_are_fatal",
    ),
    Tooth(
        "memory is kept after a failure",
        "consume/recovery.py",
        "self._absorber.forget(self._dirty | claims.keys())",
        "self._dirty.clear()",
        f"{FAILURES}::test_what_a_failed_write_was_prepared_from_is_forgotten",
    ),
    Tooth(
        "side work overlaps what is written before it",
        "consume/engine.py",
        "if work.starts is None and writing is not None:",
        "if False:",
        f"{FAILURES}::test_side_work_finds_everything_before_it_committed",
    ),
    Tooth(
        "claims outlive their connection",
        "consume/recovery.py",
        "        self._ownership.void()\n",
        "",
        f"{FAILURES}::test_backend_ended_while_idle",
    ),
    Tooth(
        "a commit in doubt is never told",
        "consume/recovery.py",
        "if doubt is not None and await self._had_happened(doubt):",
        "if False:",
        f"{FAILURES}::test_connection_lost_during_commit[after]",
    ),
    Tooth(
        "a cut connection is a bug",
        "away.py",
        "    asyncpg.InternalClientError,\n",
        "",
        f"{RULES}::test_what_waiting_can_mend",
    ),
    Tooth(
        "a restart begins to count rejects anew",
        "consume/claimer.py",
        "history.add(rejected=offset in parked)",
        "history.add(rejected=False)",
        f"{FAILURES}::test_too_many_rejects_stop_the_consumer_again_and_again",
    ),
    Tooth(
        "a database that went back goes on",
        "tail.py",
        "    return tail.incarnation + 1",
        "    return incarnation",
        f"{LOG}::test_a_database_that_went_back_gets_a_new_incarnation",
    ),
    Tooth(
        "a relay deletes what was not acknowledged",
        "outbox/relay.py",
        "        elif number not in cut:\n            reached[number] = Tail",
        "        else:\n            reached[number] = Tail",
        f"{RELAYS}::test_deletes_up_to_the_first_record_that_was_not_acknowledged",
    ),
    Tooth(
        "a relay deletes by sequence alone",
        "outbox/relay.py",
        " AND o.incarnation <= w.incarnation",
        "",
        f"{RELAYS}::test_what_was_decided_anew_after_a_fail_over_is_not_deleted_unpublished",
    ),
    Tooth(
        "what was dropped while it was tried counts",
        "plans.py",
        "if prepared.retried is not None and not await parked.settle(tx, prepared.retried):",
        "if prepared.retried is not None and await parked.settle(tx, prepared.retried) is None:",
        f"{PARKED}::test_dropped_while_it_is_tried_it_does_not_count",
        SCORING,
    ),
    Tooth(
        "a record that counts stays parked",
        "plans.py",
        "if prepared.retried is not None and not await parked.settle(tx, prepared.retried):",
        "if prepared.retried is not None and prepared.retried.fate == 'never':",
        f"{PARKED}::test_a_fact_and_a_registration_count_once_they_are_understood",
        SCORING,
    ),
    Tooth(
        "notify drops nothing by its sequence",
        "subscribers.py",
        "if sequence <= last:",
        "if sequence < 0:",
        f"{NOTIFY}::test_a_repeated_sequence_or_id_is_told_once",
        NOTIFIER,
    ),
    Tooth(
        "notify does not tell incarnations apart",
        "subscribers.py",
        "        incarnation, sequence = place\n",
        "        incarnation, sequence = 1, place[1]\n",
        f"{NOTIFY}::test_a_repeated_sequence_or_id_is_told_once",
        NOTIFIER,
    ),
    Tooth(
        "a dead membership goes unnoticed",
        "consume/consumer.py",
        "            failure = self._log.failure()",
        "            failure = None",
        f"{FAILURES}::test_a_dead_coordination_task_is_fatal",
    ),
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untouched copy of the source."""
    return copied(tmp_path_factory.mktemp("sound"))


def copied(folder: Path) -> Path:
    for source in SOURCES:
        shutil.copytree(ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def outcome(source: Path, servers: SessionServers, *tests: str) -> subprocess.CompletedProcess[str]:
    """Runs tests in a process of its own that imports the product from there."""
    surroundings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(
            str(source / part) for part in ("shared/src", "services/scoring/src", "services/notify/src")
        ),
        KAFKA_VARIABLE: servers.kafka,
        POSTGRES_VARIABLE: servers.postgres,
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *tests],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


@pytest.mark.parametrize("tooth", TEETH, ids=lambda tooth: tooth.name)
def test_a_protection_that_is_gone_is_missed(tooth: Tooth, servers: SessionServers, tmp_path: Path) -> None:
    source = copied(tmp_path)
    module = source / tooth.package / tooth.module
    text = module.read_text()
    assert text.count(tooth.old) == 1, "the protection has moved: follow it"
    module.write_text(text.replace(tooth.old, tooth.new))
    run = outcome(source, servers, tooth.test)
    # 1: a test failed. Anything else would only mean that nothing could be run.
    assert run.returncode == 1, run.stdout[-3000:] + run.stderr[-1000:]


@pytest.mark.parametrize("test", sorted({tooth.test for tooth in TEETH}))
def test_and_nothing_is_missed_while_it_is_there(test: str, servers: SessionServers, sound: Path) -> None:
    run = outcome(sound, servers, test)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
