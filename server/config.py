"""Everything that can be set on the server, with its default, unit and range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr
from pydantic.functional_validators import BeforeValidator, model_validator

from server.errors import ConfigInvalid
from server.face_settings import FaceSettings
from server.setting_values import (
    CommaList,
    DatabaseUrl,
    ImageStore,
    Networks,
    Zone,
    Zones,
    lower,
)
from server.telling_settings import TellingSettings
from settings.loading import ENV_FILES, SettingsInvalid, key_of, load
from settings.showing import hide_credentials

PREFIXES: Final = ("SERVER_",)


class ServerSettings(FaceSettings, TellingSettings):
    """One frozen object for the whole server. Relative paths are below the working directory."""

    host: str = Field(
        "127.0.0.1",
        alias="SERVER_HOST",
        description="address to listen on for cameras; beyond this machine it needs tokens",
        examples=["0.0.0.0"],  # noqa: S104 (an example; listening there is checked at the start)
    )
    port: int = Field(
        8765,
        alias="SERVER_PORT",
        ge=0,
        le=65535,
        description="port for cameras; 0: any free one",
        examples=["8765"],
    )
    web_host: str = Field(
        "127.0.0.1",
        alias="SERVER_WEB_HOST",
        description="address to listen on for browsers and GET /health",
        examples=["127.0.0.1"],
    )
    web_port: int = Field(
        8080,
        alias="SERVER_WEB_PORT",
        ge=0,
        le=65535,
        description="port for browsers and GET /health; 0: any free one",
        examples=["8080"],
    )
    db_path: Path = Field(
        Path("db/websocket_server.db"),
        alias="SERVER_DB_PATH",
        description="the server's database; an older one is adopted in place; "
        "pictures/ lies beside it",
        examples=["db/websocket_server.db"],
    )
    database_url: DatabaseUrl = Field(
        SecretStr(""),
        alias="SERVER_DATABASE_URL",
        description="PostgreSQL database for rows in place of SERVER_DB_PATH; empty: SQLite",
        examples=["postgresql://sightpost@db.example.org/sightpost"],
    )
    database_connections: int = Field(
        10,
        alias="SERVER_DATABASE_CONNECTIONS",
        ge=2,
        le=1000,
        description="most connections to PostgreSQL that one process of the server has for rows, "
        "sign-in, alerts and what people change",
        examples=["10"],
    )
    database_page_connections: int = Field(
        4,
        alias="SERVER_DATABASE_PAGE_CONNECTIONS",
        ge=1,
        le=1000,
        description="most connections to PostgreSQL that one process has for what pages and REST "
        "ask: slow questions keep no camera and nobody's sign-in waiting",
        examples=["4"],
    )
    image_store: ImageStore = Field(
        "",
        alias="SERVER_IMAGE_STORE",
        description="where pictures are kept beside PostgreSQL: s3://BUCKET/PREFIX or "
        "file:///FOLDER that all machines share; empty: daily files beside SERVER_DB_PATH",
        examples=["s3://sightpost/pictures"],
    )
    image_store_endpoint: str = Field(
        "",
        alias="SERVER_IMAGE_STORE_ENDPOINT",
        description="address of an S3 service that is not Amazon's",
        examples=["https://minio.example.org"],
    )
    image_store_region: str = Field(
        "",
        alias="SERVER_IMAGE_STORE_REGION",
        description="region of the bucket; empty: as the environment says",
        examples=["eu-central-1"],
    )
    image_store_key_id: str = Field(
        "",
        alias="SERVER_IMAGE_STORE_KEY_ID",
        description="access key of the bucket; empty: what the environment or the machine's role "
        "gives",
        examples=["AKIAIOSFODNN7EXAMPLE"],
    )
    image_store_secret: SecretStr = Field(
        SecretStr(""),
        alias="SERVER_IMAGE_STORE_SECRET",
        description="secret of that access key",
        examples=["..."],
    )
    log_file: Path = Field(
        Path("log/websocket_server.log"),
        alias="SERVER_LOG_FILE",
        description="log of the server",
        examples=["log/websocket_server.log"],
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower)] = (
        Field(
            "info",
            alias="SERVER_LOG_LEVEL",
            description="debug, info, warning or error",
            examples=["info"],
        )
    )
    log_format: Literal["console", "json"] = Field(
        "console",
        alias="SERVER_LOG_FORMAT",
        description="console: lines for people; json: an object a line, for what collects logs",
        examples=["json"],
    )
    traces_url: str = Field(
        "",
        alias="SERVER_TRACES_URL",
        description="where traces of sightings go, as OTLP over HTTP; empty: none are made "
        "(docs/monitoring.md)",
        examples=["http://127.0.0.1:4318/v1/traces"],
    )
    tls_cert: Path | None = Field(
        None,
        alias="SERVER_TLS_CERT",
        description="PEM file of the certificate chain: cameras connect with wss:// then",
        examples=["/etc/sightpost/server.pem"],
    )
    tls_key: Path | None = Field(
        None,
        alias="SERVER_TLS_KEY",
        description="PEM file of the certificate's private key",
        examples=["/etc/sightpost/server.key"],
    )
    tls_client_ca: Path | None = Field(
        None,
        alias="SERVER_TLS_CLIENT_CA",
        description="PEM file of the authority of the cameras' own certificates: without one "
        "nobody connects",
        examples=["/etc/sightpost/cameras-ca.pem"],
    )
    allow_plaintext: bool = Field(
        False,
        alias="SERVER_ALLOW_PLAINTEXT",
        description="true: tokens may come over ws:// from beyond this machine (inside a VPN)",
        examples=["true"],
    )
    local_tokens: bool = Field(
        False,
        alias="SERVER_LOCAL_TOKENS",
        description="true: programs on this machine need a token too (behind a proxy that passes "
        "on no addresses)",
        examples=["true"],
    )
    classic_networks: Networks = Field(
        (),
        alias="SERVER_CLASSIC_NETWORKS",
        description="networks of old cameras, which have no tokens, comma-separated",
        examples=["192.168.1.0/24,10.8.0.0/16"],
    )
    trusted_proxies: Networks = Field(
        (),
        alias="SERVER_TRUSTED_PROXIES",
        description="networks of proxies on other machines, whose X-Forwarded-For is believed, "
        "comma-separated; one on this machine always is",
        examples=["10.1.0.0/24"],
    )
    allowed_origins: CommaList = Field(
        (),
        alias="SERVER_ALLOWED_ORIGINS",
        description="web pages that may send rows, by origin, comma-separated",
        examples=["https://cameras.example.org"],
    )
    time_zone: Zone = Field(
        ZoneInfo("Asia/Bangkok"),
        alias="SERVER_TIME_ZONE",
        description="time zone of the pages, and of cameras that write times without offset",
        examples=["Asia/Bangkok"],
    )
    checkpoint_time_zones: Zones = Field(
        {},
        alias="SERVER_CHECKPOINT_TIME_ZONES",
        description="checkpoints in another time zone, CHECKPOINT=ZONE, comma-separated",
        examples=["1=Asia/Bangkok,2=UTC"],
    )
    memory_budget_mb: int = Field(
        64,
        alias="SERVER_MEMORY_BUDGET_MB",
        ge=16,
        le=65536,
        description="megabytes of rows that may be in flight at once, of all cameras together",
        examples=["64"],
    )
    max_connections: int = Field(
        4000,
        alias="SERVER_MAX_CONNECTIONS",
        ge=1,
        description="most cameras connected at once",
        examples=["4000"],
    )
    max_connections_per_address: int = Field(
        1000,
        alias="SERVER_MAX_CONNECTIONS_PER_ADDRESS",
        ge=1,
        description="most connections from one address at once (IPv6: from one /64 network); "
        "this machine has no such limit",
        examples=["1000"],
    )
    max_connections_per_device: int = Field(
        8,
        alias="SERVER_MAX_CONNECTIONS_PER_DEVICE",
        ge=1,
        description="most connections with one token at once",
        examples=["8"],
    )
    stats_interval_s: float = Field(
        60.0,
        alias="SERVER_STATS_INTERVAL_S",
        gt=0,
        le=86400,
        description="seconds between rows of server_stats",
        examples=["60"],
    )
    metrics: bool = Field(
        True,
        alias="SERVER_METRICS",
        description="false: nothing is measured for Prometheus, and there is no GET /metrics",
        examples=["false"],
    )
    pages: bool = Field(
        True,
        alias="SERVER_PAGES",
        description="false: no pages for people, only REST and GET /health, in less memory",
        examples=["false"],
    )
    session_idle_minutes: int = Field(
        60,
        alias="SERVER_SESSION_IDLE_MINUTES",
        ge=5,
        le=43200,
        description="minutes after which somebody who does nothing is signed out",
        examples=["60"],
    )
    session_hours: int = Field(
        12,
        alias="SERVER_SESSION_HOURS",
        ge=1,
        le=720,
        description="hours after which everybody has to sign in again",
        examples=["12"],
    )
    retention_days: int = Field(
        0,
        alias="SERVER_RETENTION_DAYS",
        ge=0,
        le=36500,
        description="days after which 'prune' gives rows and pictures up; 0: they are kept",
        examples=["365"],
    )

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            missing = "SERVER_TLS_KEY" if self.tls_key is None else "SERVER_TLS_CERT"
            raise ValueError(
                f"{missing} is missing: write both SERVER_TLS_CERT=FILE and SERVER_TLS_KEY=FILE, "
                "or neither"
            )
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError(
                "SERVER_TLS_CLIENT_CA needs TLS: write SERVER_TLS_CERT=FILE and "
                "SERVER_TLS_KEY=FILE too"
            )
        return self

    @classmethod
    def load(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        env_files: Sequence[Path] = ENV_FILES,
        **given: Any,
    ) -> ServerSettings:
        """The settings; `given` are fields from the command line, None meaning not given.

        Raises ConfigInvalid naming every wrong key at once.
        """
        overrides = {
            key_of(name, cls.model_fields[name]): value
            for name, value in given.items()
            if value is not None
        }
        try:
            return load(
                cls, prefixes=PREFIXES, environ=environ, env_files=env_files, overrides=overrides
            )
        except SettingsInvalid as error:
            raise ConfigInvalid(str(error)) from None

    @property
    def uses_postgres(self) -> bool:
        """Rows are kept in PostgreSQL, not at `db_path`."""
        return bool(self.database_url.get_secret_value())

    @property
    def database_place(self) -> str:
        """Where rows are kept, as people and logs may see it."""
        url = self.database_url.get_secret_value()
        return hide_credentials(url).partition("?")[0] if url else str(self.db_path)

    @property
    def disk_place(self) -> Path:
        """A folder on the disk that fills up: where the database and pictures are, or will be."""
        around = self.db_path.absolute().parents
        return next(folder for folder in around if folder.is_dir())

    @property
    def pictures_path(self) -> Path:
        """The folder of the picture files, one a day."""
        return self.db_path.parent / "pictures"

    @property
    def picture_place(self) -> str:
        """Where pictures are kept, as people may see it."""
        return self.image_store or str(self.pictures_path)

    def zone_of(self, checkpoint_id: str) -> tzinfo:
        """The time zone of a checkpoint's times that come without offset."""
        return self.checkpoint_time_zones.get(checkpoint_id, self.time_zone)
