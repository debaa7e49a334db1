"""Stamps are added to what the sender wrote, and nothing else changes."""

import json
from datetime import datetime, timedelta, timezone

from intake.domain.stamps import instant, stamped
from intake.translate.offers import Offers
from shared.events.envelope import decode_envelope

from tests.unit.intake.events import NOW, caller, incident, raw, read


def test_the_sender_s_bytes_stay_as_they_are() -> None:
    sent = raw(incident(colour="red", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01"))
    value = stamped(sent, NOW, caller(), "officer", "ok")
    assert value.startswith(sent[:-1])
    document = json.loads(value)
    assert document["colour"] == "red"
    assert {name: document[name] for name in json.loads(sent)} == json.loads(sent)


def test_every_stamp_is_read_back() -> None:
    envelope = decode_envelope(stamped(raw(incident()), NOW, caller(), "officer", "skewed", -1_500))
    assert envelope.receivedtime == NOW
    assert (envelope.actorid, envelope.actorrole, envelope.actororg) == ("P0007", "officer", "S1")
    assert (envelope.deviceid, envelope.clockskewms, envelope.timequality) == ("D0001", -1_500, "skewed")


def test_what_a_key_does_not_have_is_not_stamped() -> None:
    document = json.loads(stamped(raw(incident()), NOW, caller(organisation="", device=""), "officer", "ok"))
    assert not {"actororg", "deviceid", "clockskewms"} & document.keys()


def test_names_are_written_as_json() -> None:
    document = json.loads(stamped(raw(incident()), NOW, caller(actor='王"\\\n'), "officer", "ok"))
    assert document["actorid"] == '王"\\\n'


def test_instants_are_utc_with_microseconds() -> None:
    at = datetime(2026, 5, 1, 12, 0, 0, 7, tzinfo=timezone(timedelta(hours=8)))
    assert instant(at) == "2026-05-01T04:00:00.000007Z"


def test_stamps_are_no_part_of_the_fingerprint(offers: Offers) -> None:
    event = incident()
    traced = {**event, "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
    turned = dict(reversed(event.items()))
    spaced = json.dumps(event, indent=2).encode()
    fingerprints = {read(offers, form).fingerprint for form in (event, traced, turned, spaced)}
    assert len(fingerprints) == 1
    other = {**event, "data": {"code": "010302", "status": "filed"}}
    assert read(offers, other).fingerprint not in fingerprints
