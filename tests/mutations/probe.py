"""Runs the rubric's examples, then the tests of its rules, against whatever `scoring` is on the path.

One process and few imports, so that hundreds of mutants are tried in minutes. Exit code 1 at the first
difference.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.unit.scoring import rubric_examples, test_rubric_examples

KILLED = 1
TESTS = Path(__file__).parents[1] / "unit" / "scoring"
RULES = (
    "test_single_rules.py",
    "test_stars_and_caps.py",
    "test_warnings_and_year.py",
    "test_disputes.py",
    "test_rectification.py",
    "test_revisions.py",
    "test_near_stars.py",
)


def main() -> int:
    try:
        for example in sorted(rubric_examples.examples(), key=lambda each: len(each.facts)):
            test_rubric_examples.test_points_of_each_day(example)
            test_rubric_examples.test_changes_of_the_dynamic_star(example)
            if example.has_annual:
                test_rubric_examples.test_annual_result(example)
    except Exception as difference:  # noqa: BLE001 - a mutant may also break things, which is noticed as well
        print(type(difference).__name__)
        return KILLED
    # No settings, no plugins, no rewritten assertions: they would take longer than the tests.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    quick = ("-x", "-q", "-c", os.devnull, "--noconftest", "--assert=plain", "--import-mode=importlib")
    return int(pytest.main([*quick, "-p", "no:cacheprovider", *(str(TESTS / name) for name in RULES)]))


if __name__ == "__main__":
    sys.exit(main())
