"""Settings of the face gallery: its models, what is compared, and how long people are kept."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from server.setting_values import CommaList, DaysByPurpose
from settings.loading import Settings


class FaceSettings(Settings):
    """A part of ServerSettings."""

    faces: bool = Field(
        True,
        alias="SERVER_FACES",
        description="false: no face gallery, and none of the memory that looking for faces takes",
        examples=["false"],
    )
    models_folder: Path = Field(
        Path("models"),
        alias="SERVER_MODELS_DIR",
        description="folder of fetched models, for faces",
        examples=["models"],
    )
    face_detector: str = Field(
        "auto",
        alias="SERVER_FACE_DETECTOR",
        description="what finds faces: a model's name, or auto: the first that is there",
        examples=["yunet-2023mar"],
    )
    face_embedder: str = Field(
        "auto",
        alias="SERVER_FACE_EMBEDDER",
        description="what tells faces apart: a model's name, or auto: the first that is there",
        examples=["sface-2021dec"],
    )
    face_threads: int = Field(
        2,
        alias="SERVER_FACE_THREADS",
        ge=1,
        le=64,
        description="processor threads of one look for faces",
        examples=["2"],
    )
    face_queue: int = Field(
        32,
        alias="SERVER_FACE_QUEUE",
        ge=0,
        le=10_000,
        description="pictures that may wait to be looked into; the next is answered with 503",
        examples=["32"],
    )
    face_analysers: CommaList = Field(
        (),
        alias="SERVER_FACE_ANALYSERS",
        description="models that say more of a face, such as whether it is alive, comma-separated; "
        "their word is shown and decides nothing",
        examples=["my-liveness"],
    )
    face_matching: bool = Field(
        True,
        alias="SERVER_FACE_MATCHING",
        description="false: faces that cameras send are compared with those enrolled only when "
        "somebody asks",
        examples=["false"],
    )
    face_visitor_days: int = Field(
        0,
        alias="SERVER_FACE_VISITOR_DAYS",
        ge=0,
        le=3650,
        description="days for which the faces of people who are not enrolled can be found again; "
        "0: none are kept for that",
        examples=["30"],
    )
    face_key_file: Path | None = Field(
        None,
        alias="SERVER_FACE_KEY_FILE",
        description="file of keys by which enrolment pictures are encrypted in the database "
        "(python -m server faces new-key)",
        examples=["/etc/sightpost/face.keys"],
    )
    face_keep_days: DaysByPurpose = Field(
        {},
        alias="SERVER_FACE_KEEP_DAYS",
        description="days after which people enrolled for a purpose are forgotten, PURPOSE=DAYS, "
        "comma-separated",
        examples=["visitors=30,contractors=365"],
    )
