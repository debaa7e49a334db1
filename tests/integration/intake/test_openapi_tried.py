"""The OpenAPI document of intake says what the service does: schemathesis finds no difference."""

import asyncio

import pytest

from tests.contract.trying import attempt


@pytest.mark.timeout(300)
async def test_schemathesis_finds_nothing():
    done = await asyncio.to_thread(attempt, "--max-examples", "8", "--seed", "20261124")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
