"""The list of all event types and the keys of their records."""

from __future__ import annotations

import pytest
from shared.events import facts
from shared.events.catalogue import CATALOGUE, Family, build, kafka_key, lookup
from shared.events.envelope import decode_envelope
from shared.events.errors import Malformed
from shared.events.samples import SAMPLES
from shared.events.taxonomy import KNOWN_CODES, TAXONOMY


def test_a_name_given_twice_is_refused() -> None:
    entry = (Family.FACT, "volunteers.logged", facts.VolunteersLogged)
    with pytest.raises(ValueError, match="twice"):
        build([entry, (Family.FACT, "volunteers.logged", facts.SurveyRecorded)])
    with pytest.raises(ValueError, match="twice"):
        build([entry, (Family.FACT, "volunteers.counted", facts.VolunteersLogged)])


def test_every_type_has_a_sample_and_a_docstring() -> None:
    assert SAMPLES.keys() == CATALOGUE.keys()
    assert all((event_type.data.__doc__ or "").strip() for event_type in CATALOGUE.values())


def test_names_tell_outcomes_from_facts() -> None:
    for name, event_type in CATALOGUE.items():
        assert name.startswith("anxing.")
        assert name.endswith(".v1")
        assert ("outcome." in name) == (event_type.family is Family.OUTCOME)
        assert ("delivery." in name) == (event_type.family is Family.DELIVERY)
        camel = "".join(part.capitalize() for part in event_type.kind.replace("_", ".").split("."))
        assert event_type.data.__name__ == camel


def test_unknown_type_points_at_the_type() -> None:
    with pytest.raises(Malformed) as caught:
        lookup("anxing.incident.recorded.v9")
    assert (caught.value.code, caught.value.pointer) == ("unknown_type", "/type")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("anxing.incident.recorded.v1", "C00017"),
        ("anxing.outcome.star.changed.v1", "C00017"),
        ("anxing.delivery.record.sealed.v1", "42"),
        ("anxing.compound.registered.v1", "compound:C00017"),
        ("anxing.company.registered.v1", "company:P01"),
        ("anxing.organisation.registered.v1", "organisation:S1"),
        ("anxing.credential.issued.v1", "credential:k7f3a9"),
        ("anxing.credential.revoked.v1", "credential:k7f3a9"),
        ("anxing.person.granted.v1", "person:https://id.example.org|b6b1f0"),
        ("anxing.person.revoked.v1", "person:https://id.example.org|b6b1f0"),
        ("anxing.clock.observed.v1", "clock"),
    ],
)
def test_kafka_key(name: str, key: str) -> None:
    assert kafka_key(lookup(name), decode_envelope(SAMPLES[name])) == key


def test_taxonomy_names_each_code_once_in_both_languages() -> None:
    assert len(KNOWN_CODES) == 43
    assert len({name.chinese for name in TAXONOMY.values()}) == len(TAXONOMY)
    assert len({name.english for name in TAXONOMY.values()}) == len(TAXONOMY)
