"""A receiver that hangs does not delay the others."""

from datetime import UTC, datetime

from shared.demo.district import build_district, registrations
from shared.demo.event import Event, Pen
from shared.demo.loading import connect
from shared.demo.reading import Reading
from shared.demo.receiver import Mode, Receiver
from shared.demo.sender import Sender
from shared.embedded.system import RunningSystem
from shared.events import facts

from tests.eventually import eventually

ROUNDS = 5


def incidents(compounds: list[str], number: int) -> list[Event]:
    """One burglary a compound, now."""
    pen = Pen(f"hanging:{number}:{datetime.now(UTC).timestamp()}")
    burglary = facts.IncidentRecorded(code="010301", status="filed", place="inside")
    return [
        pen.write(compound, datetime.now(UTC), burglary, source="urn:anxing:test:hanging")
        for compound in compounds
    ]


async def test_a_hanging_receiver_delays_nobody(system: RunningSystem) -> None:
    district = build_district(seed=11, today=datetime.now(UTC).date(), scale=0.3)
    companies = sorted({compound.company_id for compound in district.compounds if not compound.late})
    compounds = [compound.id for compound in district.compounds if not compound.late]
    silent = f"company:{companies[0]}"
    run = system.run
    async with (
        Receiver() as receiver,
        Sender(run.intake, run.credential) as sender,
        Reading(run.scoring, run.notify, run.credential) as reading,
    ):
        receiver.modes[silent] = Mode.HANG
        await connect(district, reading, receiver)
        await sender.send(registrations(district))
        for number in range(ROUNDS):
            await sender.send(incidents(compounds, number))

        def all_others_were_told() -> bool:
            told = {notice.recipient for notice in receiver.notices}
            missing = {f"company:{company}" for company in companies[1:]} - told
            assert not missing, f"{missing} still wait; told were {told}"
            return True

        await eventually(all_others_were_told, deadline=30)
        # It was called, and still hangs: the others were told while it kept its requests open.
        assert receiver.calls > len(receiver.notices)
        assert silent not in {notice.recipient for notice in receiver.notices}
