"""Facts of the small random world (`tests.properties.scoring_facts`) as data of the contract."""

from collections.abc import Callable
from datetime import date
from typing import Any

from scoring.domain import facts as f
from shared.events.rules import POINTS_BOUNDS

from tests.properties.scoring_facts import KINDS, Near

Data = dict[str, Any]


def data_of(kind: str, r: Near, day: int, era: str) -> Data:
    """Data of a fact of that day; `era` tells the hazards, disputes and vetoes of one time from the next."""
    return TOLD[kind](KINDS[kind](r), day, era)


def _iso(day: int | None) -> str | None:
    return None if day is None else date.fromordinal(day).isoformat()


def _inspection(one: f.InspectionRecorded, day: int, era: str) -> Data:
    checks = [
        {"item": c.item, "checkpoint": c.checkpoint, "result": c.result}
        | ({} if c.finding is None else {"finding": c.finding})
        for c in one.checks
    ]
    return {"kind": one.kind, "checks": checks}


def _incident(one: f.IncidentRecorded, day: int, era: str) -> Data:
    return {
        "code": one.code,
        "status": one.status,
        "attempted_stopped": one.attempted_stopped,
        "proactive": one.proactive,
        "place": one.place,
    }


def _hazard(one: f.HazardOpened, day: int, era: str) -> Data:
    least, most = POINTS_BOUNDS[one.hazard_class]
    return {
        "hazard_id": one.hazard_id + era,
        "item": one.item,
        "checkpoint": one.checkpoint,
        "class": one.hazard_class,
        "points_milli": min(max(one.points_milli, least), most),
        "due": _iso(one.due and min(max(one.due, day), day + 40)),
        "finding": "broken",
    }


def _moved(one: f.HazardMoved, day: int, era: str) -> Data:
    return {"hazard_id": one.hazard_id + era}


def _extended(one: f.HazardExtended, day: int, era: str) -> Data:
    return {"hazard_id": one.hazard_id + era, "due": _iso(day + one.due % 30)}


def _facility(one: f.FacilityStatus, day: int, era: str) -> Data:
    return {"item": one.item, "online": min(one.online, one.total), "total": one.total}


def _patrol(one: f.PatrolLogged, day: int, era: str) -> Data:
    return {
        "date": _iso(day),
        "gate": one.gate,
        "rounds_done": one.rounds_done,
        "rounds_required": one.rounds_required,
    }


def _roster(one: f.GuardsUpdated, day: int, era: str) -> Data:
    return {
        "guards": one.guards,
        "licensed": one.licensed,
        "mean_star_milli": one.mean_star_milli,
        "self_recruit_filed": one.self_recruit_filed,
        "trained_on": _iso(one.trained_on),
    }


def _dispute(one: f.DisputeRecorded, day: int, era: str) -> Data:
    return {"dispute_id": one.dispute_id + era, "code": one.code, "repeat": one.repeat}


def _veto(one: f.VetoStated, day: int, era: str) -> Data:
    return {
        "veto_id": one.veto_id + era,
        "veto": one.veto,
        "occurred_on": _iso(day - one.occurred_on % 30),
        "reason": "so",
    }


def _lifted(one: f.VetoLifted, day: int, era: str) -> Data:
    return {"veto_id": one.veto_id + era, "veto": "V1", "occurred_on": _iso(day), "reason": "so"}


TOLD: dict[str, Callable[[Any, int, str], Data]] = {
    "inspection.recorded": _inspection,
    "incident.recorded": _incident,
    "hazard.opened": _hazard,
    "hazard.rectified": _moved,
    "hazard.verified": _moved,
    "hazard.rejected": _moved,
    "hazard.extended": _extended,
    "facility.status": _facility,
    "facility.upgraded": lambda one, _day, _era: {"item": one.item, "description": "better"},
    "patrol.logged": _patrol,
    "guards.updated": _roster,
    "volunteers.logged": lambda one, _day, _era: {"active": one.active},
    "dispute.recorded": _dispute,
    "dispute.mediated": lambda one, _day, era: {"dispute_id": one.dispute_id + era},
    "dispute.escalated": lambda one, _day, era: {"dispute_id": one.dispute_id + era, "level": one.level},
    "cooperation.recorded": lambda one, _day, _era: {"kind": one.kind},
    "survey.recorded": lambda one, _day, _era: {
        "satisfied": min(one.satisfied, one.asked),
        "asked": one.asked,
    },
    "veto.confirmed": _veto,
    "veto.lifted": _lifted,
    "evidence.stored": lambda _one, _day, _era: {"sha256": "0" * 64, "bytes": 1, "media_type": "image/jpeg"},
}
