"""A fixed few thousand spoiled events in every test run, and proof that what they are judged by has teeth."""

import asyncio
import json

import pytest

from tests.fuzz.corpus import DOCUMENTS, STRUCTURED, Request
from tests.fuzz.doors import behind_a_socket, in_process, site
from tests.fuzz.judging import Verdicts, Wrong
from tests.fuzz.making import request_of
from tests.fuzz.run import fuzz

SEED = 20_261
BODIES = 2_000
SOCKETS = 100


async def test_no_spoiled_event_is_our_fault() -> None:
    made = site()
    run = await fuzz(made, in_process(made), SEED, range(BODIES))
    assert run.findings == []
    assert run.verdicts.checked > BODIES / 10
    assert len(run.types) >= 25
    # Without many kinds of refusal the spoiling would reach little.
    assert len(run.verdicts.codes) >= 15


async def test_nor_over_a_socket() -> None:
    made = site()
    async with behind_a_socket(made) as door:
        run = await fuzz(made, door, SEED, range(BODIES, BODIES + SOCKETS))
    assert run.findings == []
    assert run.bodies == SOCKETS


async def test_every_whole_sample_has_its_place() -> None:
    """Each of the types gets its receipt, or is one that only the services say."""
    made = site()
    door = in_process(made)
    for name, document in DOCUMENTS.items():
        request = Request([(b"content-type", STRUCTURED)], json.dumps(document).encode())
        status, _, body = await door(request)
        code = json.loads(body).get("type", "").removeprefix("urn:anxing:problem:")
        assert (status, code) in {(202, ""), (403, "role_not_allowed"), (409, "stale_revision")}, name


def test_a_request_is_the_same_tomorrow() -> None:
    assert [request_of(7, number) for number in range(50)] == [request_of(7, number) for number in range(50)]


async def test_a_wrong_answer_is_found() -> None:
    request = request_of(SEED, 1)
    headers = {b"content-type": b"application/problem+json", b"content-length": b"2"}
    with pytest.raises(Wrong):
        Verdicts().look(request, 500, headers, b"{}")
    event = {**DOCUMENTS["anxing.volunteers.logged.v1"], "data": {"active": -1}}
    with pytest.raises(Wrong):
        Verdicts().stored(request, json.dumps(event).encode())


async def test_an_exception_is_a_finding() -> None:
    made = site()

    async def broken(_: Request) -> tuple[int, dict[bytes, bytes], bytes]:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    run = await fuzz(made, broken, SEED, range(3))
    assert [finding["number"] for finding in run.findings] == [0, 1, 2]
