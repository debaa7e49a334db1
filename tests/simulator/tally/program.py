"""What runs in a process of the tally: the real consumer and the real relay."""

from shared.events.topics import FACTS, OUTCOMES
from shared.runtime.consume import Consumer
from shared.runtime.metrics import Metrics
from shared.runtime.outbox import Relay
from shared.runtime.settings import KafkaSettings

from tests.simulator.service import Fittings
from tests.simulator.tally.absorber import Chores, Tally
from tests.simulator.tally.rules import Rules

SETTINGS = KafkaSettings(session_timeout_ms=6_000)
# Of the interpreter, as the services have one each: counts are those of all runs together.
METRICS = Metrics("simulator")


class TallyProgram:
    """See `tests.simulator.service.Program`."""

    def __init__(self, rules: Rules, fittings: Fittings) -> None:
        tally = Tally(rules, fittings.database, lambda: self._relay.wake())  # noqa: PLW0108 - made below
        self._consumer = Consumer(
            "facts",
            settings=SETTINGS,
            topic=FACTS,
            group="simulated",
            database=fittings.database,
            absorber=tally,
            clock=fittings.clock,
            metrics=METRICS,
            on_fatal=fittings.on_fatal,
            side_work=Chores(
                rules,
                fittings.database,
                tally.states,
                lambda: self._relay.wake(),  # noqa: PLW0108 - as above
            ),
            output=OUTCOMES,
            membership=fittings.join(FACTS.name, OUTCOMES.name),
        )
        self._relay = Relay(
            "outcomes",
            producer=fittings.producer,
            database=fittings.database,
            claims=lambda: self._consumer.claims,
            clock=fittings.clock,
            metrics=METRICS,
        )

    @property
    def trouble(self) -> str | None:
        return self._consumer.trouble

    async def start(self) -> None:
        await self._relay.start()
        await self._consumer.start()

    async def stop(self) -> None:
        await self._consumer.stop()
        await self._relay.stop()
