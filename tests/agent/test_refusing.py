"""What cannot be used is refused before anything is opened, with the setting and what to write."""

from __future__ import annotations

import pytest

from agent.config import AgentSettings, load_settings
from agent.refusing import refuse_unusable
from settings.loading import SettingsInvalid


def _settings(**environ: str) -> AgentSettings:
    return load_settings(environ=environ)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("AGENT_PLATE_DETECTOR", "nonsense", "no model is named 'nonsense'"),
        ("AGENT_PLATE_DETECTOR", "lpd-yunet-2023mar", "models fetch lpd-yunet-2023mar"),
        ("AGENT_VEHICLE_DETECTOR", "pp-ocrv6-det-small", "that model is for text detection"),
        ("AGENT_FACE_DETECTOR", "nonsense", "no model is named 'nonsense'"),
        ("AGENT_FACE_EMBEDDER", "nonsense", "no model is named 'nonsense'"),
    ],
)
def test_model_that_cannot_serve_is_refused_where_it_is_needed(
    key: str, value: str, said: str
) -> None:
    settings = _settings(**{key: value, "AGENT_DETECT_FACES": "true"})
    with pytest.raises(SettingsInvalid, match=f"{key}={value} cannot be used") as failure:
        refuse_unusable(settings, watches=True, sends=True)
    assert said in str(failure.value)
    refuse_unusable(settings, watches=False, sends=True)


def test_address_that_may_not_be_used_is_refused_where_rows_are_sent() -> None:
    settings = _settings(WEBSOCKET_SERVER_URL="ws://192.0.2.1:8765/")
    with pytest.raises(SettingsInvalid, match="UPLINK_ALLOW_PLAINTEXT=true"):
        refuse_unusable(settings, watches=True, sends=True)
    refuse_unusable(settings, watches=True, sends=False)


def test_everything_wrong_is_told_at_once() -> None:
    settings = _settings(WEBSOCKET_SERVER_URL="ws://192.0.2.1/", AGENT_PLATE_DETECTOR="nonsense")
    with pytest.raises(SettingsInvalid, match="AGENT_PLATE_DETECTOR") as failure:
        refuse_unusable(settings, watches=True, sends=True)
    assert "WEBSOCKET_SERVER_URL" in str(failure.value)


def test_defaults_are_taken() -> None:
    refuse_unusable(_settings(), watches=True, sends=True)


def test_region_without_formats_is_a_wrong_value_of_its_setting() -> None:
    with pytest.raises(SettingsInvalid, match="AGENT_REGIONS='eu,xx' cannot be used"):
        _settings(AGENT_REGIONS="eu,xx")
