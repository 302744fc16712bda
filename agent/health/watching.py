"""Checks of what looks: camera, pipeline, sightings and the agent itself. Facts in, results out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.health.result import HealthResult, failed, passed, warned
from agent.percent import percent
from agent.span import spoken

WARNING_SHARE: Final = 1 / 3
"""Of the deadline after which a silent camera has failed: then there is a warning."""
SLOW_FRAMES_PER_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFacts:
    """`frame_age_s` is None before the first frame, `watched_s` since the source is awaited.

    Without a frame for `deadline_s` the camera has failed. `reopened` and `restarted` count;
    `is_held`: an operator has closed it for now.
    """

    frame_age_s: float | None
    watched_s: float
    deadline_s: float
    reopened: int = 0
    restarted: int = 0
    last_error: str | None = None
    has_ended: bool = False
    is_held: bool = False
    is_given_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFacts:
    """`busy_s` is how long the frame in hand is being read, None while there is none.

    `frames` were taken so far. `failures` are those that an error cost; `in_a_row` such ones since
    the last good one. `is_held`: an operator has stopped the reading for now.
    `change_error` says what is not in force yet, and why.
    """

    busy_s: float | None
    deadline_s: float
    frames: int
    failures: int = 0
    in_a_row: int = 0
    restarted: int = 0
    last_error: str | None = None
    is_held: bool = False
    is_given_up: bool = False
    change_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """Of the whole program: rates of the last seconds and counts since its start; `page_fault`
    says why its page is not there, empty where it is or is not wanted."""

    running_s: float
    frames_per_s: float
    frames: int
    dropped: int
    has_ended: bool
    process_id: int
    version: str
    page_fault: str = ""


def check_camera(facts: CameraFacts) -> HealthResult:
    """By the age of the newest frame, not by an open device: a hung camera is open too."""
    if facts.has_ended:
        return passed("camera", "the source has ended")
    if facts.is_held:
        return warned("camera", "an operator has stopped it: press Start camera at the page Live")
    again = _again(facts.reopened, facts.restarted)
    why = f" ({facts.last_error})" if facts.last_error else ""
    if facts.is_given_up:
        text = f"it hangs and neither opening it again nor a restart of it helped{why}{again}"
        return failed("camera", f"{text}: the service is started anew; check cable and power")
    silent_s = facts.watched_s if facts.frame_age_s is None else facts.frame_age_s
    if silent_s > facts.deadline_s:
        text = "no frame yet" if facts.frame_age_s is None else f"no frame for {silent_s:.0f} s"
        return failed("camera", f"{text}{why}: check cable, power and AGENT_SOURCE{again}")
    if facts.frame_age_s is None:
        text = f"the source is being opened{why}"
        return warned("camera", text) if why else passed("camera", text)
    if silent_s > facts.deadline_s * WARNING_SHARE:
        text = f"newest frame is {silent_s:.0f} s old{why}"
        return warned("camera", f"{text}: if it goes on, check cable and power{again}")
    return passed("camera", f"newest frame is {silent_s:.1f} s old{again}")


def check_pipeline(facts: PipelineFacts) -> HealthResult:
    """Whether frames are read: one that takes too long, or errors that go on."""
    again = _again(0, facts.restarted)
    why = f" ({facts.last_error})" if facts.last_error else ""
    if facts.is_given_up:
        text = f"reading hangs, and a restart of it did not help{again}"
        return failed("pipeline", f"{text}: the service is started anew; look at log/app.log")
    if facts.busy_s is not None and facts.busy_s > facts.deadline_s:
        text = f"a frame is being read for {facts.busy_s:.0f} s{again}"
        return failed("pipeline", f"{text}: the reader is started anew; is the machine overloaded?")
    if facts.is_held:
        text = "an operator has stopped the reading: start it at the camera's page"
        return warned("pipeline", text)
    if facts.in_a_row:
        text = f"the last {facts.in_a_row} frames could not be read{why}{again}"
        return failed("pipeline", f"{text}: see log/app.log; check the models with 'agent check'")
    if facts.change_error is not None:
        text = f"a change is not in force yet ({facts.change_error})"
        return warned("pipeline", f"{text}: it is tried again; enough memory, models there?")
    if facts.failures:
        text = f"{facts.failures} frames could not be read{why}{again}, the last ones could"
        return warned("pipeline", f"{text}: see log/app.log")
    if not facts.frames:
        return passed("pipeline", f"no frame was taken yet{again}")
    return passed("pipeline", f"every frame taken was read{again}")


def check_sightings(*, lost: int) -> HealthResult:
    """Sightings that were seen and could not be made durable."""
    if lost:
        text = f"{lost} sightings could not be stored and are lost: check disk and permissions"
        return failed("sightings", text)
    return passed("sightings", "every sighting was stored")


def check_agent(facts: AgentFacts) -> HealthResult:
    """That it keeps up, and since when it runs."""
    seen = facts.frames + facts.dropped
    share = facts.dropped / seen if seen else 0.0
    text = (
        f"version {facts.version}, process {facts.process_id}, up {spoken(facts.running_s)}, "
        f"{facts.frames_per_s:.1f} frames/s, {percent(share)} left out for newer ones"
    )
    if facts.page_fault:
        text += f"; {facts.page_fault}"
        return warned("agent", f"{text}: free its port, or set AGENT_WEB_PORT and AGENT_WEB_HOST")
    is_slow = 0 < facts.frames_per_s < SLOW_FRAMES_PER_S and share > 0.5
    if is_slow and not facts.has_ended:
        return warned("agent", f"{text}: lower the picture's size, or stop other programs")
    return passed("agent", text)


def _again(reopened: int, restarted: int) -> str:
    said = [f"opened again {_times(reopened)}"] if reopened else []
    said += [f"restarted {_times(restarted)}"] if restarted else []
    return f"; {', '.join(said)}" if said else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
