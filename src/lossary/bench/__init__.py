"""The benchmark: a loss beside torch's ways to compute it and beside the floor.

``plan`` says what is measured, ``contenders`` by whom, ``measure`` does it; the table, JSON, CSV
and figures only show ``results``. This package imports nothing heavy until something is measured.
"""
