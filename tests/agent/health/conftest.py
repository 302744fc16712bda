"""A picture that shows nothing."""

from __future__ import annotations

import numpy as np
import pytest

from vision.reading import Picture


@pytest.fixture
def blank() -> Picture:
    return np.zeros((120, 160, 3), dtype=np.uint8)
