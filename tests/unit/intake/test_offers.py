"""What is taken as an event, and what is wrong with what is not: status, code and place."""

import json
from datetime import date
from typing import Any

import pytest
from intake.domain.offers import Family, Offer
from intake.domain.permits import NO_ROLE
from intake.domain.verdicts import Grounds
from intake.translate.offers import TOO_LARGE, Offers, readable_id
from shared.events.catalogue import CATALOGUE
from shared.events.catalogue import Family as EventFamily
from shared.events.envelope import INTAKE_STAMPS
from shared.events.samples import SAMPLES

from tests.unit.intake.events import incident, raw, read, refused

THROUGH_THE_DOOR = sorted(
    name
    for name, known in CATALOGUE.items()
    if known.family in {EventFamily.FACT, EventFamily.REGISTRY, EventFamily.ACCESS}
)
OURS_TO_SAY = sorted(CATALOGUE.keys() - set(THROUGH_THE_DOOR))


def as_sent(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SAMPLES[name])
    return {key: value for key, value in document.items() if key not in INTAKE_STAMPS}


@pytest.mark.parametrize("name", THROUGH_THE_DOOR)
def test_a_sample_of_every_type_is_taken(offers: Offers, name: str) -> None:
    offer = read(offers, as_sent(name))
    assert offer.topic == CATALOGUE[name].topic.name
    assert offer.kind == CATALOGUE[name].kind


@pytest.mark.parametrize("name", OURS_TO_SAY)
def test_outcomes_and_deliveries_are_ours_to_say(offers: Offers, name: str) -> None:
    assert refused(offers, as_sent(name)) is NO_ROLE


def test_what_an_offer_says(offers: Offers) -> None:
    sent = incident(id="0192D8A0-0000-7000-8000-00000000ABCD", time="2026-05-01T23:30:00Z")
    offer = read(offers, sent)
    assert offer.id == "0192d8a0-0000-7000-8000-00000000abcd"
    assert offer.sent_id == sent["id"]
    assert offer.root == offer.id
    assert (offer.revision, offer.family, offer.key) == (1, Family.FACT, "C00017")
    # The local day is that of the installation.
    assert offer.day == date(2026, 5, 2)


def test_keys_of_the_other_topics(offers: Offers) -> None:
    assert read(offers, as_sent("anxing.compound.registered.v1")).key.startswith("compound:")
    assert read(offers, as_sent("anxing.company.registered.v1")).key.startswith("company:")
    assert read(offers, as_sent("anxing.credential.issued.v1")).key.startswith("credential:")
    assert "|" in read(offers, as_sent("anxing.person.granted.v1")).key


def test_unknown_attributes_are_kept(offers: Offers) -> None:
    sent = raw(incident(colour="red", number=7, flag=True))
    assert read(offers, sent).raw == sent


@pytest.mark.parametrize(
    ("event", "code", "pointer"),
    [
        ([], "not_cloudevents", ""),
        ("text", "not_cloudevents", ""),
        (None, "not_cloudevents", ""),
        ({}, "not_cloudevents", "/specversion"),
        (incident(specversion=None), "not_cloudevents", "/specversion"),
        (incident(specversion="0.3"), "not_cloudevents", "/specversion"),
        (incident(id=None), "not_cloudevents", "/id"),
        (incident(id=""), "not_cloudevents", "/id"),
        (incident(id=7), "not_cloudevents", "/id"),
        (incident(source=None), "not_cloudevents", "/source"),
        (incident(type=None), "not_cloudevents", "/type"),
        (incident(Colour="red"), "attribute_name", ""),
        (incident(data_base64="AA=="), "attribute_name", ""),
        (incident(colour={"r": 1}), "attribute_type", "/colour"),
        (incident(colour=2**31), "attribute_type", "/colour"),
        (incident(colour=0.5), "attribute_type", "/colour"),
        (incident(colour="r" * 4097), "too_long", "/colour"),
        (incident(subject="C\u202e1"), "bidi_override", "/subject"),
        (incident(data={"case_no": "\x00", "code": "010301"}), "control_character", "/data/case_no"),
    ],
)
def test_not_json_or_not_cloudevents(offers: Offers, event: Any, code: str, pointer: str) -> None:
    refusal = refused(offers, event)
    assert (refusal.grounds, refusal.code) == (Grounds.MALFORMED, code)
    assert refusal.faults[0].pointer == pointer


def test_depth_is_told_before_the_unknown_field_in_which_it_hides(offers: Offers) -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    refusal = refused(offers, incident(data={"code": "010301", "status": "filed", "x": deep}))
    assert (refusal.grounds, refusal.code) == (Grounds.MALFORMED, "too_deep")


@pytest.mark.parametrize(
    ("event", "code", "pointers"),
    [
        (incident(type="anxing.incident.recorded.v2"), "unknown_type", ["/type"]),
        (incident(data={"code": "999999", "status": "filed"}), "unknown_code", ["/data/code"]),
        (incident(data={"code": "010301"}), "invalid_event", ["/data/status"]),
        (incident(data={"code": "010301", "status": "x"}), "invalid_event", ["/data/status"]),
        (incident(data={"code": "010301", "status": "filed", "z": 1}), "invalid_event", ["/data/z"]),
        (incident(data=None), "invalid_event", ["/data"]),
        (incident(data=[]), "invalid_event", ["/data"]),
        (incident(time=None), "invalid_event", ["/time"]),
        (incident(time="2026-05-01T11:30:00"), "invalid_event", ["/time"]),
        (incident(time=1760000000), "invalid_event", ["/time"]),
        (incident(subject=None), "invalid_event", ["/subject"]),
        (incident(subject="a b"), "invalid_event", ["/subject"]),
        (incident(id="42"), "invalid_event", ["/id"]),
        (incident(id="00000000-0000-0000-0000-000000000000"), "invalid_event", ["/id"]),
        (incident(source="device"), "invalid_event", ["/source"]),
        (incident(revision=0), "invalid_event", ["/revision"]),
        (incident(revision=2), "invalid_event", ["/rootid"]),
        (incident(datacontenttype="text/plain"), "invalid_event", ["/datacontenttype"]),
        (incident(actorid="P1"), "supplied_stamp", ["/actorid"]),
        (incident(timequality="ok", deviceid=""), "supplied_stamp", ["/deviceid", "/timequality"]),
        # Everything that is wrong is told at once.
        (
            incident(id="42", source="x", data={"code": "999999", "status": "filed"}),
            "unknown_code",
            ["/data/code", "/id", "/source"],
        ),
    ],
)
def test_schema_and_rules(offers: Offers, event: Any, code: str, pointers: list[str]) -> None:
    refusal = refused(offers, event)
    assert (refusal.grounds, refusal.code) == (Grounds.INVALID, code)
    assert [fault.pointer for fault in refusal.faults] == pointers


def test_refusals_repeat_nothing_that_was_sent(offers: Offers) -> None:
    secret = "王小明13800000000"
    for event in (
        incident(subject=secret),
        incident(type=secret),
        incident(data={"code": secret, "status": secret}),
        incident(source=secret),
    ):
        assert secret not in repr(refused(offers, event))


def test_an_event_has_at_most_64_kib(offers: Offers) -> None:
    def inspection(checks: int) -> bytes:
        check = {"item": "B1", "checkpoint": "x" * 100, "result": "pass", "note": "y" * 4000}
        data = {"kind": "routine", "checks": [check] * checks}
        return raw(incident(type="anxing.inspection.recorded.v1", data=data))

    small, large = inspection(15), inspection(16)
    assert len(small) <= 65_536 < len(large)
    assert isinstance(offers.read(small), Offer)
    assert offers.read(large) is TOO_LARGE


def test_the_id_is_told_where_it_can_be_read() -> None:
    event = incident(type="nothing")
    assert readable_id(raw(event)) == event["id"]
    for broken in (b"", b"{", b"[]", b'{"id":7}', b'{"id":"<script>"}', b"[" * 5000, b'{"id":"\xff"}'):
        assert readable_id(broken) is None
