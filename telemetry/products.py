"""How many threads multiply matrices: one.

numpy's OpenBLAS starts one for each core. Between two products they wait by looking again and
again, so that a program of many small ones keeps another core busy with nothing: a server that
searched for 500 faces a second spent 1.0 of 2.8 ms an answer on that (docs/measurements.md).
"""

from __future__ import annotations

import os


def multiply_on_one_thread() -> None:
    """Has to come before numpy is imported. Whoever set another number keeps it."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
