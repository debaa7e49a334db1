"""The command line: how a verb ends and what it prints where."""

import asyncio
import json
from datetime import date

import msgspec
import pytest
from shared.runtime.console import JsonFlag, build_console, exit_with, out, percent, print_json, run_async
from shared.runtime.errors import StartupError


class Summary(msgspec.Struct):
    compounds: int
    day: date


app = build_console("example", "An example.")


@app.command()
def show(as_json: JsonFlag = False) -> None:
    """Show something."""
    summary = Summary(58, date(2026, 5, 1))
    if as_json:
        print_json(summary)
    else:
        out.print(f"{summary.compounds} compounds")


@app.command()
def fail() -> None:
    raise StartupError("Kafka at db:1 does not answer: start it.")


@app.command()
def interrupted() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise KeyboardInterrupt

    run_async(work())


@app.command()
def judged() -> None:
    exit_with(1)


@app.command()
def broken() -> None:
    raise RuntimeError("a bug")


def run(*arguments: str) -> object:
    with pytest.raises(SystemExit) as ended:
        app(list(arguments))
    return ended.value.code


def test_results_are_on_standard_output(capsys):
    assert run("show") == 0
    said = capsys.readouterr()
    assert said.out == "58 compounds\n"
    assert said.err == ""


def test_programs_get_one_json_document(capsys):
    assert run("show", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"compounds": 58, "day": "2026-05-01"}


def test_what_prevents_a_start_is_one_sentence_and_exit_code_2(capsys):
    assert run("fail") == 2
    said = capsys.readouterr()
    assert said.err == "Kafka at db:1 does not answer: start it.\n"
    assert said.out == ""


def test_ctrl_c_is_quiet(capsys):
    assert run("interrupted") == 130
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_verb_chooses_its_exit_code():
    assert run("judged") == 1


def test_a_bug_is_not_hidden():
    with pytest.raises(RuntimeError):
        app(["broken"])


def test_help_lists_the_verbs(capsys):
    run("--help")
    said = capsys.readouterr().out
    assert "An example." in said
    assert "show" in said
    assert "fail" in said


def test_ten_thousandths_are_per_cent_for_people():
    assert [percent(one) for one in (-1262, 0, 7, 2745, None)] == [
        "−12.62 %",
        "0.00 %",
        "0.07 %",
        "27.45 %",
        "—",
    ]
    assert [percent(one, signed=True) for one in (-5, 0, 1500)] == ["−0.05 %", "0.00 %", "+15.00 %"]
