"""A Hypothesis profile for processors that are far slower, such as emulated ones. As a plugin of
pytest: -p tests.slow_machine --hypothesis-profile=slow-machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "slow-machine", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
