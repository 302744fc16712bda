"""What can be set about models: which serve, where they lie, what runs them, how much they take."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from agent.comma_list import CommaList
from settings.loading import Settings
from vision.backends.providers import LIBRARY_NAMES


class ModelSettings(Settings):
    """A part of `agent.config.AgentSettings`."""

    models_dir: Path = Field(
        Path("models"),
        alias="AGENT_MODELS_DIR",
        description="folder of fetched models, and of a models.toml with your own",
        examples=["models"],
    )
    models_base_url: str = Field(
        "",
        alias="MODELS_BASE_URL",
        description="fetch models from this folder of a mirror, not from their publishers",
        examples=["https://mirror.example.org/models"],
    )
    plate_detector: str = Field(
        "",
        alias="AGENT_PLATE_DETECTOR",
        description="a model that finds plates; empty: the embedded text detector alone",
        examples=["lpd-yunet-2023mar"],
    )
    vehicle_detector: str = Field(
        "",
        alias="AGENT_VEHICLE_DETECTOR",
        description="a model that finds vehicles: plates outside them are refused; empty: none",
        examples=["my-yolo"],
    )
    face_detector: str = Field(
        "auto",
        alias="AGENT_FACE_DETECTOR",
        description="a model that finds faces; auto: the first that is here, else OpenCV's cascade",
        examples=["auto"],
    )
    face_embedder: str = Field(
        "auto",
        alias="AGENT_FACE_EMBEDDER",
        description="a model that tells faces apart; auto: the first that is here; none",
        examples=["auto"],
    )
    send_embeddings: bool = Field(
        False,
        alias="AGENT_SEND_EMBEDDINGS",
        description="true: face embeddings are stored and sent; else they never leave memory",
        examples=["false"],
    )
    blur: CommaList = Field(
        (),
        alias="AGENT_BLUR",
        description="blur in stored and sent pictures: faces, plates (outside the watchlist), both",
        examples=["faces,plates"],
    )
    watchlist_file: Path | None = Field(
        None,
        alias="AGENT_WATCHLIST_FILE",
        description="text file of plates that AGENT_BLUR leaves visible, one a line",
        examples=["watchlist.txt"],
    )
    model_runtime: Literal["onnx", "opencv"] = Field(
        "onnx",
        alias="AGENT_MODEL_RUNTIME",
        description="what runs ONNX models: onnx (onnxruntime) or opencv",
        examples=["onnx"],
    )
    onnx_providers: CommaList = Field(
        ("cpu",),
        alias="AGENT_ONNX_PROVIDERS",
        description="onnxruntime's execution providers in order (cuda,cpu); cpu is the last resort",
        examples=["cpu"],
    )
    model_memory_share: float = Field(
        0.8,
        alias="AGENT_MODEL_MEMORY_SHARE",
        gt=0,
        le=1,
        description="0..1: share of a device's memory that models may take",
        examples=["0.8"],
    )
    gpu_reserve_mb: int = Field(
        1024,
        alias="AGENT_GPU_RESERVE_MB",
        ge=0,
        le=1_000_000,
        description="megabytes of a graphics card that models leave free",
        examples=["1024"],
    )
    model_cleanup_share: float = Field(
        0.9,
        alias="AGENT_MODEL_CLEANUP_SHARE",
        gt=0,
        le=1,
        description="0..1: when models take more than this share of theirs, idle ones go",
        examples=["0.9"],
    )
    model_warning_share: float = Field(
        0.9,
        alias="AGENT_MODEL_WARNING_SHARE",
        gt=0,
        le=1,
        description="0..1: from this share on the health check warns",
        examples=["0.9"],
    )

    @field_validator("models_base_url")
    @classmethod
    def _check_mirror(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("expected https://HOST/FOLDER or http://HOST/FOLDER")
        return value

    @field_validator("blur")
    @classmethod
    def _check_blur(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if set(value) - {"faces", "plates"}:
            raise ValueError("expected faces, plates, both with a comma between, or nothing")
        return value

    @field_validator("onnx_providers")
    @classmethod
    def _check_providers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in LIBRARY_NAMES]
        if unknown or not value:
            raise ValueError(f"expected some of {', '.join(LIBRARY_NAMES)}")
        return value
