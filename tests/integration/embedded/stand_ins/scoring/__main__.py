"""Stands in for scoring."""

from stand_in import main

main("scoring")
