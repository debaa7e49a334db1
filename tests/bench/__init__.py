"""Benchmarks: every speed beside a floor, both sides in the same run. `make bench ROWS=S1,I1`."""
