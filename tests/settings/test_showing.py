"""Settings as text: what a script reads is what counts, and no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from agent.config import load_settings
from server.config import ServerSettings
from settings.loading import Settings, SettingsInvalid, load
from settings.showing import hide_credentials, shown, value_of


class Example(Settings):
    """One field of each kind."""

    token: SecretStr = Field(SecretStr(""), alias="TOKEN")
    folder: Path | None = Field(None, alias="FOLDER")
    names: tuple[str, ...] = Field((), alias="NAMES")
    is_on: bool = Field(False, alias="IS_ON")
    pause_s: float = Field(5.0, alias="PAUSE_S")
    address: str = Field("", alias="ADDRESS")


def example(**values: object) -> Example:
    return load(Example, prefixes=(), environ={}, env_files=[], overrides=values)


def test_values_are_written_as_in_an_env_file() -> None:
    settings = example(FOLDER="/a b", NAMES=("eu", "us"), IS_ON=True, PAUSE_S=2.5)
    assert shown(settings) == {
        "TOKEN": "",
        "FOLDER": "/a b",
        "NAMES": "eu,us",
        "IS_ON": "true",
        "PAUSE_S": "2.5",
        "ADDRESS": "",
    }
    assert value_of(example(), "PAUSE_S") == "5"


def test_secrets_are_never_shown() -> None:
    settings = example(TOKEN="hunter2hunter2", ADDRESS="rtsp://me:pass/w@rd@cam/1?pw=x")
    text = str(shown(settings))
    assert "hunter2" not in text
    assert shown(settings)["ADDRESS"] == "rtsp://***@cam/1?***"
    with pytest.raises(SettingsInvalid, match="TOKEN is a secret"):
        value_of(settings, "TOKEN")


def test_script_gets_a_value_whole() -> None:
    address = "rtsp://me:pw@cam/1?x=1"
    assert value_of(example(ADDRESS=address), "ADDRESS") == address


def test_unknown_key_is_an_error() -> None:
    with pytest.raises(SettingsInvalid, match="NOPE is not a setting"):
        value_of(example(), "NOPE")


@pytest.mark.parametrize("text", ["ws://127.0.0.1:8765/", "v4l2:/dev/video0", "synthetic:?seed=1"])
def test_addresses_without_credentials_stay(text: str) -> None:
    assert hide_credentials(text) == text


def test_what_is_shown_can_be_loaded_again(tmp_path: Path) -> None:
    """Of both programs, for every key."""
    agent = load_settings(environ={})
    assert load_settings(environ=shown(agent)) == agent
    zones = {"SERVER_CHECKPOINT_TIME_ZONES": "3=Asia/Tokyo,4=UTC"}
    networks = {"SERVER_CLASSIC_NETWORKS": "192.0.2.0/24"}
    server = ServerSettings.load(environ={**zones, **networks}, env_files=[])
    assert ServerSettings.load(environ=shown(server), env_files=[]) == server
