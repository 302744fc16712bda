"""A Hypothesis profile for thousands of runs, on demand: --hypothesis-profile=delivery-long."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("delivery-long", max_examples=5_000)
