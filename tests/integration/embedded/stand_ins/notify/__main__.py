"""Stands in for notify."""

from stand_in import main

main("notify")
