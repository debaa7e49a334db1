"""Samples of what senders write: facts, registry, access."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import msgspec

from shared.events import access as a
from shared.events import facts as f
from shared.events import registry as r
from shared.events.samples.case import COMPOUND, DAY, DIGEST, INCIDENT_ID, PICTURE, TIME

_VETO: Final[dict[str, Any]] = {"veto_id": "V-2026-003", "veto": "V3", "occurred_on": date(2026, 2, 20)}
_PERMIT: Final = r.Permit(
    number="浙建物许-2023-0117", valid_from=date(2023, 5, 1), valid_to=date(2028, 4, 30)
)
_CREDENTIAL: Final = a.CredentialIssued(
    credential_id="k7f3a9",
    secret_sha256=DIGEST,
    actor_id="officer-017",
    roles=("officer",),
    scope=a.AccessScope(stations=("S1",)),
    organisation="S1",
    device_id="app-017",
    valid_from=TIME,
    valid_to=TIME + timedelta(days=365),
)
_PERSON: Final = a.PersonGranted(
    issuer="https://id.example.org",
    subject="b6b1f0",
    actor_id="chief-001",
    roles=("station_chief",),
    scope=a.AccessScope(stations=("S1",)),
    organisation="S1",
    valid_from=TIME,
)

# Each subject with its data.
SENT: Final[tuple[tuple[str, msgspec.Struct], ...]] = (
    (
        COMPOUND,
        f.InspectionRecorded(
            kind="routine",
            checks=(
                f.Check(
                    item="B2", checkpoint="3幢路灯", result="fail", finding="lamp_dark", evidence=(PICTURE,)
                ),
                f.Check(
                    item="A1", checkpoint="南门", result="partial", finding="no_register", note="登记本缺两日"
                ),
                f.Check(item="C3", checkpoint="周界", result="na"),
            ),
        ),
    ),
    (
        COMPOUND,
        f.IncidentRecorded(code="010301", status="filed", case_no="示例-2026-0042", place="inside"),
    ),
    (
        COMPOUND,
        f.HazardOpened(
            hazard_id="H-2026-0117",
            item="B2",
            checkpoint="3幢路灯",
            class_="ordinary",
            points_milli=1_500,
            due=DAY + timedelta(days=3),
            finding="lamp_dark",
            reopens="H-2025-0903",
            evidence=(PICTURE,),
        ),
    ),
    (COMPOUND, f.HazardRectified(hazard_id="H-2026-0117", evidence=(PICTURE,))),
    (COMPOUND, f.HazardVerified(hazard_id="H-2026-0117")),
    (COMPOUND, f.HazardRejected(hazard_id="H-2026-0117", reason="灯已换，线路仍裸露")),
    (COMPOUND, f.HazardExtended(hazard_id="H-2026-0117", due=date(2026, 3, 15), reason="等待配件")),
    (COMPOUND, f.FacilityStatus(item="C1", online=118, total=124)),
    (COMPOUND, f.FacilityUpgraded(item="C1", description="更换高清摄像头", cost_yuan=86_000)),
    (COMPOUND, f.PatrolLogged(date=DAY, gate="南门", rounds_done=12, rounds_required=14)),
    (
        COMPOUND,
        f.GuardsUpdated(
            guards=8, licensed=7, mean_star_milli=3_250, self_recruit_filed=True, trained_on=date(2026, 1, 12)
        ),
    ),
    (COMPOUND, f.VolunteersLogged(active=6)),
    (
        COMPOUND,
        f.DisputeRecorded(dispute_id="D-2026-031", code="080105", repeat=True, incident=INCIDENT_ID),
    ),
    (COMPOUND, f.DisputeMediated(dispute_id="D-2026-031")),
    (COMPOUND, f.DisputeEscalated(dispute_id="D-2026-031", level="county")),
    (COMPOUND, f.CooperationRecorded(kind="tip_solved_case")),
    (COMPOUND, f.SurveyRecorded(satisfied=46, asked=50)),
    (COMPOUND, f.VetoProposed(**_VETO, reason="台账与现场不符")),
    (COMPOUND, f.VetoConfirmed(**_VETO, reason="经复核属实")),
    (COMPOUND, f.VetoLifted(**_VETO, reason="复议撤销")),
    (
        COMPOUND,
        f.ObjectionFiled(objection_id="O-2026-004", against=(INCIDENT_ID,), grounds="案发地点在小区围墙外"),
    ),
    (COMPOUND, f.ObjectionDecided(objection_id="O-2026-004", decision="upheld")),
    (
        COMPOUND,
        f.SelfassessmentSubmitted(
            year=2025, items={"A1": 5_000, "B2": 3_500}, statement="全年未发生入室盗窃"
        ),
    ),
    (COMPOUND, f.EvidenceStored(sha256=PICTURE, bytes=284_113, media_type="image/jpeg")),
    (COMPOUND, f.FactWithdrawn(reason="重复录入")),
    (
        COMPOUND,
        r.CompoundRegistered(
            name="示例花园",
            households=1_000,
            occupied_households=820,
            buildings=12,
            enclosed=True,
            enrolled_on=date(2025, 1, 1),
            company_id="P01",
            community_id="Q03",
            station_id="S1",
            street_id="J1",
            developer_id="K02",
            committee_id="Y017",
            location=r.Location(longitude=120.9, latitude=30.0),
            effective_from=date(2025, 1, 1),
        ),
    ),
    (
        "P01",
        r.CompanyRegistered(
            name="示例物业服务有限公司",
            construction_permit=_PERMIT,
            market_registration=_PERMIT,
            headquarters="示例集团",
            effective_from=date(2025, 1, 1),
        ),
    ),
    (
        "S1",
        r.OrganisationRegistered(
            kind="station", name="示例派出所", parent_id="F1", effective_from=date(2025, 1, 1)
        ),
    ),
    ("k7f3a9", _CREDENTIAL),
    (
        "k7f3a9",
        a.CredentialRevoked(credential_id="k7f3a9", revoked_at=TIME, credential=_CREDENTIAL),
    ),
    (a.person_id(_PERSON.issuer, _PERSON.subject), _PERSON),
    (
        a.person_id(_PERSON.issuer, _PERSON.subject),
        a.PersonRevoked(issuer=_PERSON.issuer, subject=_PERSON.subject, revoked_at=TIME, person=_PERSON),
    ),
    ("clock", a.ClockObserved(observed_at=TIME)),
)
