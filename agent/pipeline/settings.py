"""All settings of the pipeline in one value. Reads no environment: the program hands it in."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.pipeline.area import Area
from agent.pipeline.consensus import ConsensusSettings
from agent.pipeline.faces import FaceSettings
from agent.pipeline.motion import MotionSettings
from agent.pipeline.passage import PassageSettings
from agent.pipeline.plates import PlateSettings
from agent.pipeline.rules import RuleSettings
from agent.pipeline.schedule import ScheduleSettings
from agent.pipeline.tracker import TrackerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """Settings by part; each part's class says what its numbers mean."""

    motion: MotionSettings = field(default_factory=MotionSettings)
    regions: TrackerSettings = field(default_factory=TrackerSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    plates: PlateSettings = field(default_factory=PlateSettings)
    passages: PassageSettings = field(default_factory=PassageSettings)
    consensus: ConsensusSettings = field(default_factory=ConsensusSettings)
    rules: RuleSettings = field(default_factory=RuleSettings)
    faces: FaceSettings = field(default_factory=FaceSettings)
    area: Area = field(default_factory=Area)
