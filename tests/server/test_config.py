"""Settings: read from older files, wrong ones stopped with the line to write instead."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.config import ServerSettings
from server.errors import ConfigInvalid


def load(folder: Path, text: str = "", **environ: str) -> ServerSettings:
    file = folder / ".env"
    file.write_text(text, encoding="utf-8")
    return ServerSettings.load(environ=environ, env_files=[file])


def test_the_defaults_listen_to_this_machine_only(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert (settings.host, settings.port, settings.web_host, settings.web_port) == (
        "127.0.0.1", 8765, "127.0.0.1", 8080,
    )  # fmt: skip
    assert settings.db_path == Path("db/websocket_server.db")
    assert settings.pictures_path == Path("db/pictures")
    assert settings.log_file == Path("log/websocket_server.log")


def test_spaces_and_quotes_of_the_older_files_are_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        'SERVER_PORT = "9000"\nSERVER_CLASSIC_NETWORKS = "10.0.0.0/8, 192.168.1.0/24"\n'
        "DB_PATH = 'db/lpr_data.db'\n",
    )
    assert settings.port == 9000
    assert settings.classic_networks == (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("192.168.1.0/24"),
    )
    assert settings.db_path == Path("db/websocket_server.db")  # DB_PATH is the camera's


def test_the_command_line_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SERVER_PORT=1\nSERVER_WEB_PORT=1\nSERVER_HOST=::1\n", encoding="utf-8")
    settings = ServerSettings.load(
        environ={"SERVER_PORT": "2", "SERVER_WEB_PORT": "2"}, env_files=[file], port=3, host=None
    )
    assert (settings.port, settings.web_port, settings.host) == (3, 2, "::1")


def test_time_zones_of_checkpoints(tmp_path: Path) -> None:
    settings = load(tmp_path, "SERVER_CHECKPOINT_TIME_ZONES=2=Europe/Berlin, 3 = UTC\n")
    noon = datetime(2026, 7, 1, 12)  # noqa: DTZ001 (the naive time of a camera)
    hours = [
        noon.replace(tzinfo=settings.zone_of(name)).astimezone(UTC).hour for name in ("1", "2", "3")
    ]
    assert hours == [5, 10, 12]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SERVER_PORT", "abc"),
        ("SERVER_PORT", "70000"),
        ("SERVER_PUBLIC_URL", "centre"),
        ("SERVER_SMTP_FROM", "me"),
        ("SERVER_STREAM_URL", "ftp://example.org/"),
        ("SERVER_WEB_PORT", "-1"),
        ("SERVER_ALLOW_PLAINTEXT", "perhaps"),
        ("SERVER_CLASSIC_NETWORKS", "192.168.1.7/24"),
        ("SERVER_CLASSIC_NETWORKS", "home"),
        ("SERVER_TIME_ZONE", "Asia/Atlantis"),
        ("SERVER_CHECKPOINT_TIME_ZONES", "1:UTC"),
        ("SERVER_CHECKPOINT_TIME_ZONES", "1=Nowhere"),
        ("SERVER_LOG_LEVEL", "loud"),
        ("SERVER_MEMORY_BUDGET_MB", "1"),
        ("SERVER_STATS_INTERVAL_S", "0"),
        ("SERVER_MAX_CONNECTIONS", "0"),
    ],
)
def test_a_wrong_value_is_named_with_the_line_to_write(
    tmp_path: Path, key: str, value: str
) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        load(tmp_path, f"{key}={value}\n")
    assert f"{key}=" in str(refused.value)
    assert value in str(refused.value)
    assert f"write for example: {key}=" in str(refused.value)


@pytest.mark.parametrize("value", ["foo", "mqtt://broker:port", "mqtt://gate:pass/word@broker"])
def test_the_address_of_a_broker_is_not_repeated_where_it_is_none(
    tmp_path: Path, value: str
) -> None:
    with pytest.raises(ConfigInvalid, match="SERVER_MQTT_URL") as refused:
        load(tmp_path, f"SERVER_MQTT_URL={value}\n")
    assert value.removeprefix("mqtt://") not in str(refused.value)
    assert "expected mqtt:// or mqtts://" in str(refused.value)


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="SERVER_TLS_KEY is missing"):
        load(tmp_path, SERVER_TLS_CERT="/etc/cert.pem")


def test_a_mistyped_key_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="did you mean SERVER_PORT"):
        load(tmp_path, "SERVER_PROT=9000\n")
