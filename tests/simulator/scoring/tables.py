"""The tables of scoring, as its migrations say: keys, and what columns are when nothing is said."""

import runpy
from pathlib import Path

from tests.simulator.statements import Table, table_of

MIGRATIONS = Path(__file__).parents[3] / "services" / "scoring" / "migrations"
# Their keys stand in the line of a column.
OTHERS = {"unassigned": Table(("compound",), {"since": "now()"})}


def tables() -> dict[str, Table]:
    """All that the worker writes, except work, whose rows are numbered by the server."""
    first = runpy.run_path(str(MIGRATIONS / "2026_11_24_0001_start.py"))
    third = runpy.run_path(str(MIGRATIONS / "2026_11_24_0003_incidents.py"))
    found = dict(OTHERS)
    for text in (first["LEDGER"], first["STATE"], first["REGISTRY"], third["INCIDENT"]):
        for statement in text.split(";\n"):
            if "CREATE TABLE" in statement:
                name, table = table_of(statement)
                found[name] = table
    return found
