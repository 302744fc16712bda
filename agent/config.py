"""Everything that can be set on the camera's program, with its default, unit and range."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from agent.comma_list import CommaList
from agent.model_settings import ModelSettings
from settings.loading import load
from vision.plates.formats import UnknownRegion, formats_of

PREFIXES: Final = ("AGENT_", "UPLINK_")
LEAST_KBPS: Final = 8
"""A picture of 45 KB takes a minute then."""


class AgentSettings(ModelSettings):
    """One frozen object for the whole agent. Relative paths are below the working directory."""

    server_url: str = Field(
        "ws://127.0.0.1:8765/",
        alias="WEBSOCKET_SERVER_URL",
        description="where the server takes rows: ws://HOST:PORT/ or wss://HOST:PORT/",
        examples=["wss://sightpost.example.org:8765/"],
    )
    db_path: Path = Field(
        Path("db/lpr_data.db"),
        alias="DB_PATH",
        description="the camera's database; an older one is adopted in place",
        examples=["db/lpr_data.db"],
    )
    checkpoint_id: str = Field(
        "1",
        alias="CHECKPOINT_ID",
        min_length=1,
        max_length=64,
        description="the checkpoint that this camera watches",
        examples=["1"],
    )
    hostname: str = Field(
        default_factory=socket.gethostname,
        alias="HOSTNAME",
        min_length=1,
        max_length=255,
        description="this machine's name in every row; empty: the machine's own",
        examples=["aicamera1"],
    )
    sender_log_file: Path = Field(
        Path("log/websocket_sender.log"),
        alias="WEBSOCKET_LOG_FILE",
        description="log of the sender",
        examples=["log/websocket_sender.log"],
    )
    check_interval_s: float = Field(
        5.0,
        alias="CHECK_INTERVAL",
        gt=0,
        le=3600,
        description="seconds between looks for new rows of a sender that runs alone",
        examples=["5"],
    )
    health_interval_s: float = Field(
        300.0,
        alias="HEALTH_CHECK_INTERVAL",
        ge=1,
        le=86400,
        description="seconds between health summaries; a change of state is reported at once",
        examples=["300"],
    )
    source: str = Field(
        "v4l2:/dev/video0",
        alias="AGENT_SOURCE",
        description="frame source: v4l2:, rtsp:, file:, images:, picamera: or synthetic:",
        examples=["rtsp://camera.example.org/stream1"],
    )
    camera_deadline_s: float = Field(
        30.0,
        alias="AGENT_CAMERA_DEADLINE_S",
        ge=1,
        le=3600,
        description="seconds without a frame after which the camera counts as failed",
        examples=["30"],
    )
    reading_deadline_s: float = Field(
        30.0,
        alias="AGENT_READING_DEADLINE_S",
        ge=1,
        le=3600,
        description="seconds that reading one frame may take; then the reader is started anew",
        examples=["30"],
    )
    memory_limit_mb: int = Field(
        0,
        alias="AGENT_MEMORY_LIMIT_MB",
        ge=0,
        le=1_000_000,
        description="megabytes of memory near which work is left out; 0: half of the machine's",
        examples=["1024"],
    )
    device_id: str = Field(
        "",
        alias="AGENT_DEVICE_ID",
        max_length=64,
        description="name at the server, as in its token; empty: HOSTNAME at the first start",
        examples=["gate-north"],
    )
    token: SecretStr = Field(
        SecretStr(""),
        alias="AGENT_TOKEN",
        description="the device token that the server's 'token create' printed",
        examples=["(the token)"],
    )
    images_dir: Path = Field(
        Path("captured_images"),
        alias="AGENT_IMAGES_DIR",
        description="folder of the pictures that accompany sightings",
        examples=["captured_images"],
    )
    log_file: Path = Field(
        Path("log/app.log"),
        alias="AGENT_LOG_FILE",
        description="log of the agent",
        examples=["log/app.log"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        alias="AGENT_LOG_LEVEL",
        description="debug, info, warning or error",
        examples=["info"],
    )
    log_format: Literal["console", "json"] = Field(
        "console",
        alias="AGENT_LOG_FORMAT",
        description="console: lines for people; json: an object a line, for what collects logs",
        examples=["json"],
    )
    traces_url: str = Field(
        "",
        alias="AGENT_TRACES_URL",
        description="where traces of sightings go, as OTLP over HTTP; empty: none are made "
        "(docs/monitoring.md)",
        examples=["http://127.0.0.1:4318/v1/traces"],
    )
    regions: CommaList = Field(
        (),
        alias="AGENT_REGIONS",
        description="whose plates to expect, comma-separated (eu,de,us,br,...); empty: guess",
        examples=["eu"],
    )
    personal_plates: bool = Field(
        True,
        alias="AGENT_PERSONAL_PLATES",
        description="true: of the regions named, plates whose owner chose the text are read too",
        examples=["true"],
    )
    threads: int = Field(
        2,
        alias="AGENT_THREADS",
        ge=1,
        le=64,
        description="processor threads of one model inference",
        examples=["2"],
    )
    detect_faces: bool = Field(
        False,
        alias="AGENT_DETECT_FACES",
        description="true: faces are found and stored as well",
        examples=["false"],
    )
    min_confidence: float = Field(
        0.5,
        alias="AGENT_MIN_CONFIDENCE",
        ge=0,
        le=1,
        description="0..1: sightings whose least certain character is below this are not stored",
        examples=["0.5"],
    )
    cooldown_s: float = Field(
        30.0,
        alias="AGENT_COOLDOWN_S",
        ge=0,
        le=86400,
        description="seconds within which the same plate is the same passage",
        examples=["30"],
    )
    image_width: int = Field(
        640,
        alias="AGENT_IMAGE_WIDTH",
        ge=64,
        le=8192,
        description="pictures are scaled down to fit this width in pixels",
        examples=["640"],
    )
    image_height: int = Field(
        480,
        alias="AGENT_IMAGE_HEIGHT",
        ge=64,
        le=8192,
        description="and this height in pixels",
        examples=["480"],
    )
    image_quality: int = Field(
        75,
        alias="AGENT_IMAGE_QUALITY",
        ge=10,
        le=100,
        description="JPEG quality of stored pictures, 10..100",
        examples=["75"],
    )
    disk_quota_mb: int = Field(
        2048,
        alias="AGENT_DISK_QUOTA_MB",
        ge=0,
        le=10_000_000,
        description="most megabytes of pictures; the oldest sent ones go first; 0: no limit",
        examples=["2048"],
    )
    disk_floor_mb: int = Field(
        200,
        alias="AGENT_DISK_FLOOR_MB",
        ge=0,
        le=10_000_000,
        description="megabytes of the disk left free; pictures go when it has less; 0: no floor",
        examples=["200"],
    )
    retention_days: float = Field(
        30.0,
        alias="AGENT_RETENTION_DAYS",
        ge=0,
        le=3650,
        description="days for which rows and pictures are kept after the server has them",
        examples=["30"],
    )
    clock_wait_s: float = Field(
        120.0,
        alias="AGENT_CLOCK_WAIT_S",
        ge=0,
        le=86400,
        description="seconds after switching on until which rows wait for the clock to be set",
        examples=["120"],
    )
    sender: Literal["embedded", "separate"] = Field(
        "embedded",
        alias="AGENT_SENDER",
        description="embedded: 'run' sends too; separate: 'send' is a process of its own",
        examples=["embedded"],
    )
    web_host: str = Field(
        "127.0.0.1",
        alias="AGENT_WEB_HOST",
        description="address of the agent's own web port",
        examples=["127.0.0.1"],
    )
    web_port: int = Field(
        8000,
        alias="AGENT_WEB_PORT",
        ge=0,
        le=65535,
        description="the agent's own web port; 0: none",
        examples=["8000"],
    )
    allow_plaintext: bool = Field(
        False,
        alias="UPLINK_ALLOW_PLAINTEXT",
        description="true: ws:// beyond this machine is allowed (inside a VPN)",
        examples=["false"],
    )
    ca_file: Path | None = Field(
        None,
        alias="UPLINK_CA_FILE",
        description="PEM file of the authority that signed the server's certificate",
        examples=["/etc/sightpost/ca.pem"],
    )
    client_cert: Path | None = Field(
        None,
        alias="UPLINK_CLIENT_CERT",
        description="PEM file of this camera's own certificate, where the server wants one",
        examples=["/etc/sightpost/camera.pem"],
    )
    client_key: Path | None = Field(
        None,
        alias="UPLINK_CLIENT_KEY",
        description="PEM file of that certificate's private key; empty: it is in the same file",
        examples=["/etc/sightpost/camera.key"],
    )
    backoff_max_s: float = Field(
        60.0,
        alias="UPLINK_BACKOFF_MAX_S",
        ge=1,
        le=3600,
        description="most seconds between two attempts to connect",
        examples=["60"],
    )
    max_kbps: int = Field(
        0,
        alias="UPLINK_MAX_KBPS",
        ge=0,
        le=10_000_000,
        description="most kbit/s of rows and pictures that are sent, from 8 on; 0: no limit",
        examples=["256"],
    )
    classic_retry_hours: float = Field(
        24.0,
        alias="CLASSIC_RETRY_HOURS",
        gt=0,
        le=8760,
        description="hours until a row that an older server keeps refusing is set aside",
        examples=["24"],
    )

    @field_validator("server_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("expected ws://HOST:PORT/ or wss://HOST:PORT/")
        if parts.username or parts.password:
            raise ValueError("no user or password in the address; the token goes to AGENT_TOKEN")
        return value

    @field_validator("regions")
    @classmethod
    def _check_regions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            if value:
                formats_of(value)
        except UnknownRegion as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("max_kbps")
    @classmethod
    def _check_kbps(cls, value: int) -> int:
        if 0 < value < LEAST_KBPS:
            raise ValueError(
                f"expected 0 or at least {LEAST_KBPS}: no picture would arrive in time"
            )
        return value

    @property
    def name(self) -> str:
        """The device id in force."""
        return self.device_id or self.hostname[:64]


def load_settings(
    *, environ: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None
) -> AgentSettings:
    """The agent's settings from environment, `.env` files and command line."""
    return load(AgentSettings, prefixes=PREFIXES, environ=environ, overrides=overrides)
