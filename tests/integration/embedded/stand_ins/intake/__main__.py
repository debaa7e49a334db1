"""Stands in for intake."""

from stand_in import main

main("intake")
