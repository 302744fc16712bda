"""Settings say what is wrong with a value and what to write instead, and keep secrets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import Field, SecretStr

import agent.config
import server.config
from agent.config import AgentSettings
from server.config import ServerSettings
from settings.loading import Settings, SettingsInvalid, doubtful_keys, load


class Example(Settings):
    port: int = Field(8000, alias="EXAMPLE_PORT", ge=1, description="a port", examples=["8000"])
    name: str = Field("none", alias="CHECKPOINT_ID", description="a name")
    token: SecretStr = Field(SecretStr(""), alias="EXAMPLE_TOKEN", min_length=0, max_length=8)


def _load(env_file: Path | None = None, **environ: str) -> Example:
    files = [env_file] if env_file else []
    return load(Example, prefixes=("EXAMPLE_",), environ=environ, env_files=files)


def test_defaults_hold_where_nothing_is_set() -> None:
    assert _load().port == 8000


def test_older_file_with_spaces_and_quotes_is_read(tmp_path: Path) -> None:
    file = tmp_path / ".env.production"
    file.write_text('CHECKPOINT_ID = "gate 1"\nEXAMPLE_PORT = 81\nOTHER=1\n', encoding="utf-8")
    loaded = _load(file)
    assert (loaded.name, loaded.port) == ("gate 1", 81)


def test_environment_wins_over_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("EXAMPLE_PORT=81\n", encoding="utf-8")
    assert _load(file, EXAMPLE_PORT="82").port == 82


def test_empty_value_means_default() -> None:
    assert _load(EXAMPLE_PORT="").port == 8000


def test_wrong_value_names_key_value_expectation_and_line_to_write() -> None:
    with pytest.raises(SettingsInvalid) as failure:
        _load(EXAMPLE_PORT="http")
    text = str(failure.value)
    assert "EXAMPLE_PORT='http'" in text
    assert "valid integer" in text
    assert "write for example: EXAMPLE_PORT=8000" in text


def test_all_wrong_values_are_told_at_once() -> None:
    with pytest.raises(SettingsInvalid) as failure:
        _load(EXAMPLE_PORT="0", EXAMPLE_TOKEN="x" * 9)
    assert "EXAMPLE_PORT" in str(failure.value)
    assert "EXAMPLE_TOKEN" in str(failure.value)


def test_secret_is_in_no_error_and_no_repr() -> None:
    with pytest.raises(SettingsInvalid) as failure:
        _load(EXAMPLE_TOKEN="very-secret")
    assert "very-secret" not in str(failure.value)
    assert "s3cret" not in repr(_load(EXAMPLE_TOKEN="s3cret"))


def test_mistyped_key_in_file_is_refused_with_the_near_one(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("EXAMPLE_PROT=81\n", encoding="utf-8")
    with pytest.raises(SettingsInvalid, match="did you mean EXAMPLE_PORT"):
        _load(file)


def _doubts(env_file: Path, **environ: str) -> tuple[str, ...]:
    return doubtful_keys(Example, prefixes=("EXAMPLE_",), environ=environ, env_files=[env_file])


def test_mistyped_key_in_the_environment_is_told_with_the_near_one(tmp_path: Path) -> None:
    nowhere = tmp_path / ".env"
    [doubt] = _doubts(nowhere, EXAMPLE_PROT="81", EXAMPLE_TOKEN="x", OTHER_PROT="1")
    assert doubt == (
        "EXAMPLE_PROT in the environment is not a setting of this program: "
        "did you mean EXAMPLE_PORT?"
    )


def test_key_without_prefix_that_is_nearly_ours_is_told_and_another_is_not(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("CHECKPIONT_ID=1\nCHECKPOINT_ID=1\nDATABASE_URL=x\n", encoding="utf-8")
    elsewhere = tmp_path / "none"
    for doubts in (_doubts(file), _doubts(elsewhere, CHECKPIONT_ID="1", DATABASE_URL="x")):
        [doubt] = doubts
        assert "CHECKPIONT_ID" in doubt
        assert "did you mean CHECKPOINT_ID?" in doubt


def test_keys_of_one_program_are_no_doubt_to_the_other() -> None:
    example = Path(__file__).resolve().parents[2] / ".env.example"
    agents, servers = agent.config.PREFIXES, server.config.PREFIXES
    for program, prefixes in ((AgentSettings, agents), (ServerSettings, servers)):
        assert doubtful_keys(program, prefixes=prefixes, environ={}, env_files=[example]) == ()
        keys = re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", example.read_text("utf-8"), re.MULTILINE)
        others = dict.fromkeys(keys, "x")
        assert doubtful_keys(program, prefixes=prefixes, environ=others, env_files=[]) == ()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        _load().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("line", ["EXAMPLE_PORT 81", 'EXAMPLE_TOKEN="s3cret'])
def test_line_that_cannot_be_read_stops_the_start_and_shows_no_value(
    tmp_path: Path, line: str
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# settings\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsInvalid, match="line 2: EXAMPLE_") as failure:
        _load(file)
    assert "s3cret" not in str(failure.value)
