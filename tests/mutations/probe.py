"""Runs the rubric's examples against whatever `scoring` is on the path; exit code 1 at the first difference.

Most mutants die here, in a fraction of the time that a whole test session takes.
"""

import sys

from tests.unit.scoring import rubric_examples, test_rubric_examples

KILLED = 1


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
    return 0


if __name__ == "__main__":
    sys.exit(main())
