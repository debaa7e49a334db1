"""Where compounds belong: by registrations as they become known and as their days come."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from intake.domain.places import MOVES_MAX, Placement, Registration, Whereabouts, first_seen

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def registered(station: str, from_day: int, known_after: float) -> Registration:
    """A registration of a day after 1 May, known so many days after it."""
    return Registration(
        date(2026, 5, 1) + from_day * DAY, START + known_after * DAY, Placement("M1", station)
    )


def folded(registrations: list[Registration], now: datetime) -> Whereabouts:
    first, *others = registrations
    places = first_seen(first, ZONE)
    for other in others:
        places = places.after(other, ZONE)
    return places.advanced(now, ZONE)


def naive(registrations: list[Registration], at: datetime) -> Placement:
    """The placement in force at an instant, looked up among everything known by then."""
    today = at.astimezone(ZONE).date()
    come = [known for known in registrations if known.received_at <= at and known.effective_from <= today]
    if not come:
        return registrations[0].placement
    return max(come, key=lambda known: known[:2]).placement


def test_the_first_counts_before_its_day_too() -> None:
    places = folded([registered("S1", 30, 0)], START)
    assert (places.now.station, places.former) == ("S1", ())


def test_a_day_to_come_begins_at_its_local_midnight() -> None:
    known = [registered("S1", -9, 0), registered("S2", 3, 1)]
    midnight = datetime(2026, 5, 4, tzinfo=ZONE)
    assert folded(known, midnight - timedelta(microseconds=1)).now.station == "S1"
    moved = folded(known, midnight)
    assert moved.now.station == "S2"
    before = moved.at(midnight - timedelta(microseconds=1))
    assert before is not None
    assert (before.placement.station, before.until) == ("S1", midnight)
    assert moved.at(midnight) is None


def test_a_registration_for_the_past_changes_nothing_before_it_is_known() -> None:
    known = [registered("S1", -90, -80), registered("S2", -30, 0)]
    places = folded(known, START)
    assert places.now.station == "S2"
    before = places.at(START - DAY)
    assert before is not None
    assert (before.placement.station, before.until) == ("S1", START)


def test_the_same_place_again_is_no_move() -> None:
    places = folded([registered("S1", day, day) for day in range(-400, 0)], START)
    assert (places.former, places.ahead) == ((), ())


def test_moves_are_remembered_up_to_a_bound() -> None:
    places = folded([registered(f"S{day}", day, day) for day in range(-400, 0)], START)
    assert len(places.former) == MOVES_MAX


REGISTRATIONS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(-4, 12), st.integers(0, 40)), min_size=1, max_size=8
)


@given(REGISTRATIONS, st.integers(-8, 120))
def test_past_and_present_equal_what_a_look_at_everything_says(
    drawn: list[tuple[str, int, int]], asked: int
) -> None:
    known = sorted(
        (registered(f"S{name}", day, quarter / 4) for name, day, quarter in drawn),
        key=lambda registration: registration.received_at,
    )
    # Each is received at an instant of its own, as the door takes care of.
    known = [
        each._replace(received_at=each.received_at + timedelta(seconds=n)) for n, each in enumerate(known)
    ]
    places = folded(known, START + 60 * DAY)
    assert places.now == naive(known, START + 60 * DAY)
    at = START + asked / 4 * DAY
    if known[0].received_at <= at <= START + 60 * DAY:
        was = places.at(at)
        assert (places.now if was is None else was.placement) == naive(known, at)
