"""Letters: every type reads well in Chinese, and no template can stop a queue."""

import json
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from notify import wording
from notify.cli.preview import NAMES, render
from notify.domain.decide import Action, Decision
from notify.domain.organisations import Kind, Recipient
from notify.letters import PLAIN_VERSION, TEMPLATE_VERSION, TEMPLATES, Letters
from notify.metrics import NotifyMetrics
from notify.ports import Letter
from notify.translate import outcome_of
from shared.events.catalogue import CATALOGUE, Family
from shared.events.samples import SAMPLES
from shared.runtime.metrics import Metrics
from shared.runtime.records import Record

ZONE = ZoneInfo("Asia/Shanghai")
OUTCOMES = [name for name, known in CATALOGUE.items() if known.family is Family.OUTCOME]
STAR = "anxing.outcome.star.changed.v1"


def write(name: str, kind: Kind = Kind.COMPANY, templates: Path = TEMPLATES / "zh") -> Letter:
    letters = Letters(ZONE, NotifyMetrics(Metrics("notify")), templates)
    outcome = outcome_of(Record("", 0, 0, None, SAMPLES[name], (), 0))
    decision = Decision(Recipient(kind, "P01"), Action.SENT, "test")
    return letters.write(outcome, decision, UUID(int=7), NAMES)


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_type_has_a_template_that_works(name: str) -> None:
    letter = write(name)
    assert letter.template_version == TEMPLATE_VERSION
    words = json.loads(letter.payload)["data"]["notice"]
    assert words["title"]
    assert words["text"]
    assert "\n" not in words["title"]
    assert "None" not in words["title"] + words["text"]
    # People do not read codes of the program.
    assert "_" not in words["title"]


def test_what_a_webhook_carries() -> None:
    payload = json.loads(write(STAR).payload)
    assert payload["type"] == STAR
    assert payload["timestamp"]
    data = payload["data"]
    assert data["compound"] == {"id": "C00017", "name": "锦绣花园"}
    assert data["notice"]["recipient"] == {"id": "company:P01", "name": "安居物业"}
    assert data["notice"]["title"] == "锦绣花园动态星级由四星变为三星"
    assert data["names"]["station"] == "城东派出所"
    assert data["outcome"]["from"] == 4
    assert data["outcome_id"] == json.loads(SAMPLES[STAR])["id"]


def test_codes_of_single_incidents_are_for_the_police() -> None:
    public = json.loads(write(STAR).payload)["data"]
    police = json.loads(write(STAR, Kind.STATION).payload)["data"]
    assert "code" not in public["outcome"]["reasons"][0]
    assert police["outcome"]["reasons"][0]["code"] == "010301"
    assert "入室盗窃" not in json.dumps(public, ensure_ascii=False)


@pytest.mark.parametrize(
    "source",
    [
        "{{ nothing_of_that_name }}",
        "{{ o.nothing }}",
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ 'x' * 100000000 }}",
        "{% if %}",
        "{{ 1 // 0 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ],
)
def test_a_poisoned_template_gives_the_plain_form(source: str, tmp_path: Path) -> None:
    (tmp_path / "star.changed.j2").write_text(source)
    letter = write(STAR, templates=tmp_path)
    assert letter.template_version == PLAIN_VERSION
    assert json.loads(letter.payload)["data"]["notice"]["title"].startswith("锦绣花园")


def test_an_unknown_name_goes_by_its_id() -> None:
    letters = Letters(ZONE, NotifyMetrics(Metrics("notify")))
    outcome = outcome_of(Record("", 0, 0, None, SAMPLES[STAR], (), 0))
    decision = Decision(Recipient(Kind.COMPANY, "P01"), Action.SENT, "test")
    data = json.loads(letters.write(outcome, decision, UUID(int=7), {}).payload)["data"]
    assert data["compound"]["name"] == "C00017"


def test_preview_shows_all_kinds() -> None:
    assert len(render("")) == len(OUTCOMES)


@pytest.mark.parametrize(
    ("milli", "text"),
    [(88500, "88.5"), (100000, "100"), (0, "0"), (-750, "-0.75"), (1, "0.001"), (None, "无")],
)
def test_points(milli: int | None, text: str) -> None:
    assert wording.points(milli) == text


def test_stars() -> None:
    assert [wording.star(stars) for stars in (None, 0, 2, 5)] == ["未评星", "无星", "二星", "五星"]
