"""What Python's libraries warn of: for those who write programs, not for those who run them.

It is kept quiet in the whole process. A library that keeps its own warning quiet (FastAPI one of
pydantic, while a page is built) does so for the process too, and is undone where another thread
does the same at that moment (`warnings.catch_warnings` is not safe for threads before Python 3.14).
"""

from __future__ import annotations

import sys
import warnings


def keep_quiet() -> None:
    """But for whoever asked for warnings (`python -W`, `PYTHONWARNINGS`)."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
