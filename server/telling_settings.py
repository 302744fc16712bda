"""Settings of what the server tells others: mail, webhooks, an MQTT broker, a stream of posts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic.functional_validators import BeforeValidator

from server.setting_values import BrokerAddress, MailAddress, Networks, WebAddress, lower
from settings.loading import Settings


class TellingSettings(Settings):
    """A part of ServerSettings."""

    public_url: WebAddress = Field(
        "",
        alias="SERVER_PUBLIC_URL",
        description="address of the pages as people open them, for links in messages",
        examples=["https://centre.example.org"],
    )
    webhook_networks: Networks = Field(
        (),
        alias="SERVER_WEBHOOK_NETWORKS",
        description="networks that are not public and that webhooks and ntfy may reach all the "
        "same, comma-separated",
        examples=["192.168.1.20/32"],
    )
    smtp_host: str = Field(
        "",
        alias="SERVER_SMTP_HOST",
        description="the server that takes mail with alerts; empty: none",
        examples=["mail.example.org"],
    )
    smtp_port: int = Field(
        587,
        alias="SERVER_SMTP_PORT",
        ge=1,
        le=65535,
        description="its port",
        examples=["587"],
    )
    smtp_encryption: Annotated[Literal["starttls", "tls", "none"], BeforeValidator(lower)] = Field(
        "starttls",
        alias="SERVER_SMTP_ENCRYPTION",
        description="starttls, tls (usually port 465) or none",
        examples=["starttls"],
    )
    smtp_user: str = Field(
        "",
        alias="SERVER_SMTP_USER",
        description="name to sign in with there; empty: without signing in",
        examples=["sightpost"],
    )
    smtp_password: SecretStr = Field(
        SecretStr(""),
        alias="SERVER_SMTP_PASSWORD",
        description="password to sign in with there",
        examples=["..."],
    )
    smtp_from: MailAddress = Field(
        "",
        alias="SERVER_SMTP_FROM",
        description="address that mail comes from",
        examples=["sightpost@example.org"],
    )
    mqtt_url: BrokerAddress = Field(
        SecretStr(""),
        alias="SERVER_MQTT_URL",
        description="an MQTT broker that is told of sightings, cameras and alerts, mqtt:// or "
        "mqtts:// with user and password; empty: none",
        examples=["mqtts://sightpost:...@broker.example.org:8883"],
    )
    mqtt_ca: Path | None = Field(
        None,
        alias="SERVER_MQTT_CA",
        description="PEM file of the authority of that broker's certificate, where the system "
        "does not know it",
        examples=["/etc/sightpost/broker-ca.pem"],
    )
    mqtt_prefix: str = Field(
        "sightpost",
        alias="SERVER_MQTT_PREFIX",
        pattern=r"^[A-Za-z0-9_/-]+$",
        description="what the topics begin with",
        examples=["sightpost"],
    )
    mqtt_discovery: str = Field(
        "homeassistant",
        alias="SERVER_MQTT_DISCOVERY",
        pattern=r"^[A-Za-z0-9_/-]*$",
        description="what Home Assistant's discovery topics begin with; empty: none are sent",
        examples=["homeassistant"],
    )
    stream_url: WebAddress = Field(
        "",
        alias="SERVER_STREAM_URL",
        description="address that all sightings are posted to as JSON lines; empty: none",
        examples=["https://example.org/sightings"],
    )
    stream_secret: SecretStr = Field(
        SecretStr(""),
        alias="SERVER_STREAM_SECRET",
        description="secret by which those posts are signed",
        examples=["..."],
    )
