"""All that the reader of its own has to say about a run."""

from tests.faults.findings import Findings
from tests.faults.judging_facts import judge_facts, judge_registry
from tests.faults.judging_outcomes import judge_outcomes
from tests.faults.judging_states import judge_states
from tests.faults.notified import judge_notified
from tests.faults.reading import Reading


def judge(reading: Reading) -> tuple[Findings, int]:
    """What is wrong, and how many outcomes were published again, which is allowed."""
    findings = Findings()
    judge_facts(reading, findings)
    judge_registry(reading, findings)
    judge_states(reading, findings)
    judge_notified(reading.outcomes, reading.notified, findings)
    return findings, judge_outcomes(reading, findings)
