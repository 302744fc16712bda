"""How values of the server's settings are written: lists, networks, time zones, days, addresses."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr
from pydantic.functional_validators import AfterValidator, BeforeValidator

from server.peer import Network


def parts_of(value: Any) -> Any:
    """What stands between commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _network(value: Any) -> Network:
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as error:
        raise ValueError(f"expected a network such as 192.168.1.0/24: {error}") from None


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (KeyError, OSError, ValueError):
        raise ValueError(
            f"expected the name of a time zone, got {value!r} "
            "(where all names are unknown, the package tzdata is missing)"
        ) from None


def _zones(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in parts_of(value)]
    if not all(name.strip() and zone.strip() for name, _, zone in pairs):
        raise ValueError("expected CHECKPOINT=ZONE, several with commas")
    return {name.strip(): zone.strip() for name, _, zone in pairs}


def _days(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in parts_of(value)]
    if not all(name.strip() and days.strip() for name, _, days in pairs):
        raise ValueError("expected PURPOSE=DAYS, several with commas")
    return {name.strip().lower(): days.strip() for name, _, days in pairs}


def lower(value: Any) -> Any:
    """Whatever the letters' case."""
    return value.strip().lower() if isinstance(value, str) else value


CommaList = Annotated[tuple[str, ...], BeforeValidator(parts_of)]
Networks = Annotated[
    tuple[Annotated[Network, BeforeValidator(_network)], ...], BeforeValidator(parts_of)
]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
DayCount = Annotated[int, Field(ge=1, le=36500)]
Zones = Annotated[dict[str, Zone], BeforeValidator(_zones)]
"""By checkpoint."""
DaysByPurpose = Annotated[dict[str, DayCount], BeforeValidator(_days)]


def postgres_url(value: SecretStr) -> SecretStr:
    """Empty, or an address of PostgreSQL; raises ValueError, which does not repeat it."""
    url = value.get_secret_value()
    if url and url.partition("://")[0] not in ("postgresql", "postgres"):
        raise ValueError("expected postgresql://USER:PASSWORD@HOST/DATABASE, or nothing for SQLite")
    return value


def is_picture_address(value: str) -> bool:
    """Whether pictures may be kept there, as it is written."""
    return value.startswith(("s3://", "file:///"))


def image_store(value: str) -> str:
    """Empty, or an address of pictures; raises ValueError."""
    if value and not is_picture_address(value):
        raise ValueError("expected s3://BUCKET/PREFIX, file:///FOLDER, or nothing for daily files")
    return value.rstrip("/")


def web_address(value: str) -> str:
    """Empty, or an address of pages or of what is posted to; raises ValueError."""
    if value and not _is_address(value, ("http", "https")):
        raise ValueError("expected http:// or https:// and a host, or nothing")
    return value


def broker_address(value: SecretStr) -> SecretStr:
    """Empty, or the address of a broker; raises ValueError, which does not repeat it: a password
    may be in it."""
    if value.get_secret_value() and not _is_address(value.get_secret_value(), ("mqtt", "mqtts")):
        raise ValueError(
            "expected mqtt:// or mqtts:// and a host, with %2F for / and %40 for @ in the password"
        )
    return value


def mail_address(value: str) -> str:
    """Empty, or who mail comes from; raises ValueError."""
    name, _, host = value.rpartition("@")
    if value and not (name and host and value.isprintable() and " " not in value):
        raise ValueError("expected a mail address, or nothing")
    return value


def _is_address(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        place = urlsplit(value)
        return place.scheme in schemes and bool(place.hostname) and place.port != 0
    except ValueError:
        return False


ImageStore = Annotated[str, AfterValidator(image_store)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(postgres_url)]
WebAddress = Annotated[str, AfterValidator(web_address)]
BrokerAddress = Annotated[SecretStr, AfterValidator(broker_address)]
MailAddress = Annotated[str, AfterValidator(mail_address)]
