"""Settings, `.env.example` and the documents speak of the same keys; links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from agent.config import AgentSettings
from server.config import ServerSettings
from settings.loading import Settings, key_of, load

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS: tuple[type[Settings], ...] = (AgentSettings, ServerSettings)
KEY = re.compile(r"\b(?:AGENT|SERVER|UPLINK|CLASSIC|WEBSOCKET|DB|CHECKPOINT)_[A-Z_]*[A-Z]\b")


def _keys() -> set[str]:
    return {
        key_of(name, field) for program in PROGRAMS for name, field in program.model_fields.items()
    }


def test_env_example_has_every_key_and_no_other() -> None:
    assert set(dotenv_values(ROOT / ".env.example", interpolate=False)) == _keys()


@pytest.mark.parametrize("program", PROGRAMS)
def test_env_example_states_the_defaults_in_force(program: type[Settings]) -> None:
    said = load(program, prefixes=(), environ={}, env_files=[ROOT / ".env.example"])
    assert said == load(program, prefixes=(), environ={}, env_files=[])


def test_configuration_page_explains_every_key_and_no_other() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE)) == _keys()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_setting_has_a_description_and_an_example(program: type[Settings]) -> None:
    lacking = [
        name
        for name, field in program.model_fields.items()
        if not field.description or not field.examples
    ]
    assert lacking == []


def test_thai_readme_has_the_same_commands() -> None:
    def commands(name: str) -> list[str]:
        page = (ROOT / name).read_text(encoding="utf-8")
        return re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    assert commands("README.md")
    assert commands("README.th.md") == commands("README.md")


def test_thai_readme_leads_to_the_same_documents() -> None:
    def documents(name: str) -> set[str]:
        page = (ROOT / name).read_text(encoding="utf-8")
        return set(re.findall(r"\]\(((?:docs|wire|monitoring)/[^)]*)\)", page))

    assert documents("README.md")
    assert documents("README.th.md") == documents("README.md")


def _documents() -> list[Path]:
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]
    return sorted(found)


@pytest.mark.parametrize("document", _documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_document_names_only_keys_that_exist(document: Path) -> None:
    named = set(KEY.findall(document.read_text(encoding="utf-8")))
    assert named - _keys() == set()


@pytest.mark.parametrize("document", _documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_document_lead_to_files_that_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
    assert [target for target in targets if not (document.parent / target).exists()] == []
