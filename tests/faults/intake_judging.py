"""The topics against what was posted and promised: nothing lost, nothing made up, nothing out of order."""

import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from tests.faults.findings import Findings
from tests.faults.intake_book import DOUBT, REFUSED, STORED, TAKEN, Batch, Book, Content
from tests.faults.intake_excuses import after_lost_receipts, reserved_in_vain, wrong_clock
from tests.faults.intake_reading import STAMPS, Identity, Reading, Record

Copies = dict[int, list[Record]]
"""The records of each content, by the content's `id()`, in their order on the topic."""
NEEDED = STAMPS - {"deviceid", "clockskewms"}


def judge_records(book: Book, reading: Reading, findings: Findings) -> Copies:
    """Every record belongs to one content that was posted; answers which lie there."""
    posted: dict[Identity, list[Content]] = defaultdict(list)
    for content in book.contents:
        posted[content.identity].append(content)
    copies: Copies = defaultdict(list)
    partitions: dict[str, set[int]] = defaultdict(set)
    for record in reading.records:
        partitions[record.key].add(record.partition)
        content = _content_of(record, posted)
        if content is None:
            findings.differences.append(f"nobody posted what lies at {record.place}: {record.sent[:200]!r}")
            continue
        copies[id(content)].append(record)
        findings.equal(f"key at {record.place}", content.key, record.key)
        if not record.stamps.keys() >= NEEDED or not record.stamps.keys() <= STAMPS:
            findings.differences.append(f"stamps at {record.place}: {sorted(record.stamps)}")
    for key, numbers in partitions.items():
        findings.equal(f"partitions of {key}", 1, len(numbers))
    for identity, contents in posted.items():
        there = [content for content in contents if copies.get(id(content))]
        if len(there) > 1 and not after_lost_receipts(book, there):
            findings.repeated.append(f"{len(there)} contents lie under the id {identity}")
    return copies


def _content_of(record: Record, posted: dict[Identity, list[Content]]) -> Content | None:
    sent = record.sent + b"}"
    try:
        event = json.loads(sent)
        contents = posted.get((event["id"], event["source"]), [])
    except (ValueError, KeyError):
        return None
    for content in contents:
        if content.body == sent:
            return content
        # Put together from headers: all that was sent is there, whatever its bytes.
        if not content.exact and json.loads(content.event) == event:
            return content
    return None


def judge_promises(book: Book, copies: Copies, findings: Findings) -> None:
    """What was taken is there; what was refused is not; repeats are no more than what was posted in doubt."""
    for content in book.contents:
        there = len(copies.get(id(content), ()))
        name = f"{content.identity} {content.key}"
        if content.taken and not there:
            findings.lost.append(f"{name} was taken in and is not on its topic")
        if content.never and (there or content.taken):
            findings.differences.append(f"{name} may never come in: {content.answers}, {there} times there")
        if there and not content.taken and not content.doubts:
            findings.differences.append(f"{name} was refused and is on its topic: {content.answers}")
        stored = content.told(STORED)
        if there > len(stored) + content.doubts:
            findings.repeated.append(f"{name} is there {there} times: {content.answers}")
        for answer in stored[:-1]:
            if not content.doubts and not reserved_in_vain(book, answer):
                findings.repeated.append(f"{name} was stored again without need: {content.answers}")
        if not content.never:
            _judge_refusals(book, content, findings)


def _judge_refusals(book: Book, content: Content, findings: Findings) -> None:
    """What is right is refused for a reason only."""
    for answer in content.told(*REFUSED):
        allowed = answer.code in {"id_conflict", "stale_revision"} or (
            answer.code in {"time_ahead", "time_too_old"} and wrong_clock(book, answer)
        )
        if not allowed:
            findings.differences.append(f"{content.identity} was refused: {answer}")


def judge_batches(book: Book, copies: Copies, findings: Findings) -> None:
    """Items of a compound reach the topic in their order, and none is stored behind one to be sent again."""
    for batch in book.batches:
        for verdict in batch.verdicts:
            in_doubt: set[str] = set()
            for place, word in verdict:
                key = batch.contents[place].key
                if word == STORED and key in in_doubt:
                    findings.differences.append(f"stored behind a retry: {_told(batch, verdict)}")
                if word in DOUBT:
                    in_doubt.add(key)
        last: dict[str, tuple[int, str]] = {}
        for content in batch.contents:
            lie = copies.get(id(content))
            if not lie:
                continue
            first = min(record.offset for record in lie)
            before, earlier = last.get(content.key, (-1, ""))
            if first < before:
                findings.differences.append(
                    f"{content.id} of {content.key} lies at {first}, before {earlier} at {before},"
                    " which precedes it in its batch"
                )
            last[content.key] = first, content.id


def _told(batch: Batch, verdict: Iterable[tuple[int, str]]) -> list[tuple[str, str, str]]:
    return [(batch.contents[place].id, batch.contents[place].key, word) for place, word in verdict]


def judge_corrections(book: Book, copies: Copies, findings: Findings) -> None:
    """Each revision of a fact once, and none accepted after a newer one."""
    roots: dict[tuple[str, str], list[Content]] = defaultdict(list)
    for content in book.contents:
        if content.revision > 1 and copies.get(id(content)):
            roots[content.root, content.subject].append(content)
    for root, contents in roots.items():
        by_revision: dict[int, list[Content]] = defaultdict(list)
        for content in contents:
            by_revision[content.revision].append(content)
        for revision, several in by_revision.items():
            if len(several) > 1 and not after_lost_receipts(book, several):
                findings.differences.append(
                    f"revision {revision} of {root} is there as {len(several)} events"
                )
        accepted = sorted(
            (
                (min(answer.end for answer in told), content)
                for content in contents
                if (told := content.told(*TAKEN))
            ),
            key=lambda pair: pair[0],
        )
        for (when, earlier), (_, later) in pairwise(accepted):
            begun = min(answer.begin for answer in later.answers)
            stale = begun > when and later.revision <= earlier.revision
            if stale and not after_lost_receipts(book, [earlier, later]):
                findings.differences.append(
                    f"revision {later.revision} of {root} was accepted after {earlier.revision}"
                )
