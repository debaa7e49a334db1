"""How large modules are: a report for readers, not a gate."""

import ast
from collections.abc import Callable

import pytest

from tests.architecture.project import sources

LINES_MAX = 250
FUNCTION_LINES_MAX = 60


def test_report_of_outliers(
    record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    modules = {path: len(text.splitlines()) for path, text in sources().items()}
    functions = {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path, text in sources().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    outliers = [f"{path}: {lines} lines" for path, lines in modules.items() if lines > LINES_MAX]
    outliers += [f"{name}: {lines} lines" for name, lines in functions.items() if lines > FUNCTION_LINES_MAX]
    record_property("outliers", outliers)
    with capsys.disabled():
        print(f"\n{len(modules)} modules, {sum(modules.values())} lines", *outliers, sep="\n  ")
