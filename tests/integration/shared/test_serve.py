"""Running a service: signals, its end, a taken port. Each case is a process of its own."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
from shared.runtime.errors import StartupError
from shared.runtime.serve import bind
from shared.runtime.settings import HttpSettings

from tests.eventually import eventually

PROGRAM = """
import asyncio, sys
from shared.runtime.console import build_console
from shared.runtime.errors import StartupError
from shared.runtime.logs import configure
from shared.runtime.serve import run
from shared.runtime.settings import ServiceSettings, load

fault = sys.argv.pop(1)


class Example:
    def __init__(self):
        self.fatal = asyncio.get_running_loop().create_future()
        self.release = asyncio.Event()

    async def start(self):
        if fault == "no-start":
            raise StartupError("Nothing works: mend it.")
        if fault == "slow-start":
            print("starting", flush=True)
            await asyncio.sleep(60)

    async def app(self, scope, receive, send):
        if scope["path"] == "/fatal":
            self.fatal.set_result("the log has lost records")
        if scope["path"] == "/slow":
            print("slow", flush=True)
            await asyncio.sleep(0.5)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def stop(self):
        if fault == "hangs":
            await asyncio.sleep(60)
        print("stopped", flush=True)


async def build():
    return Example()


app = build_console("example", "An example.")


@app.command()
def serve():
    settings = load(ServiceSettings)
    configure(settings.log, service="example")
    sys.exit(run(settings, build))


app()
"""


class Program:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    async def ready(self) -> None:
        async def answers() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return (await self.get("/")).text == "done"
            return False

        await eventually(answers)

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(self.url + path)

    async def end(self) -> tuple[int, str, list[dict[str, object]]]:
        out, err = await asyncio.wait_for(self.process.communicate(), 20)
        assert self.process.returncode is not None
        lines = err.decode().splitlines()
        return self.process.returncode, out.decode(), [json.loads(line) for line in lines]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def program(fault: str = "none", **variables: str) -> AsyncIterator[Program]:
    port = free_port()
    environment = {
        **os.environ,
        "ANXING_DATABASE__URL": "postgresql://x:y@127.0.0.1/x",
        "ANXING_HTTP__PORT": str(port),
        "ANXING_LOG__FORMAT": "json",
        **variables,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        fault,
        "serve",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Program(process, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_requests_finish_and_stops_the_service(number):
    async with program() as running:
        await running.ready()
        slow = asyncio.create_task(running.get("/slow"))
        assert running.process.stdout is not None
        assert await running.process.stdout.readline() == b"slow\n"

        running.process.send_signal(number)

        assert (await slow).text == "done"
        code, out, events = await running.end()
        assert (code, out) == (0, "stopped\n")
        assert [event["event"] for event in events] == ["serving", "stopping"]


async def test_a_fatal_condition_ends_the_process_with_1_and_its_reason():
    async with program() as running:
        await running.ready()
        await running.get("/fatal")

        code, out, events = await running.end()

        assert (code, out) == (1, "stopped\n")
        (fatal,) = [event for event in events if event["event"] == "fatal"]
        assert fatal["reason"] == "the log has lost records"


async def test_a_signal_during_the_start_ends_it():
    async with program("slow-start") as running:
        assert running.process.stdout is not None
        assert await running.process.stdout.readline() == b"starting\n"

        running.process.send_signal(signal.SIGTERM)

        code, out, _ = await running.end()
        assert (code, out) == (0, "stopped\n")


async def test_a_start_that_fails_is_one_sentence_and_2():
    async with program("no-start") as running:
        out, err = await asyncio.wait_for(running.process.communicate(), 20)

        assert running.process.returncode == 2
        assert err == b"Nothing works: mend it.\n"
        assert out == b"stopped\n", "what a failed start had opened is closed"


async def test_a_stop_that_hangs_is_cut_short():
    async with program("hangs", ANXING_SHUTDOWN_SECONDS="1") as running:
        await running.ready()
        running.process.terminate()

        code, out, events = await running.end()

        assert (code, out) == (0, "")
        assert events[-1]["event"] == "stop_cut_short"


async def test_a_second_signal_ends_at_once():
    async with program("hangs", ANXING_SHUTDOWN_SECONDS="60") as running:
        await running.ready()
        running.process.terminate()

        async def ended_by_repetition() -> bool:
            running.process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running.process.wait(), 0.2)
            return running.process.returncode is not None

        await eventually(ended_by_repetition)
        assert running.process.returncode not in (0, 1, 2)


async def test_a_taken_port_is_one_sentence_and_2():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with program(ANXING_HTTP__PORT=str(port)) as running:
            out, err = await asyncio.wait_for(running.process.communicate(), 20)

        assert running.process.returncode == 2
        assert err.decode() == (
            f"Port {port} of 127.0.0.1 cannot be used (Address already in use): free it, or set "
            "ANXING_HTTP__PORT.\n"
        )
        assert out == b""


def test_an_address_of_somebody_else_is_a_sentence():
    with pytest.raises(StartupError, match="cannot be used"):
        bind(HttpSettings(host="192.0.2.1", port=0))
    with pytest.raises(StartupError, match=r"no-such-host\.invalid"):
        bind(HttpSettings(host="no-such-host.invalid", port=0))
