"""Either side killed at its work and started again: every row is on the server, once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.pictures import write_plate_pictures
from tests.end_to_end.programs import Installation, installation, kill, wait_until

PICTURES = 7


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    write_plate_pictures(folder, PICTURES)
    return folder


def _assert_everything_arrived_once(place: Installation) -> None:
    captured = place.captured()
    assert {sent for _, _, sent in captured} == {1}
    assert sorted(place.stored()) == sorted(message_id for message_id, _, _ in captured)
    sequences = [sequence for _, sequence, _ in captured]
    assert len(set(sequences)) == len(sequences)


def test_server_killed_mid_run_ends_with_every_row_once(
    place: Installation, pictures: Path
) -> None:
    server = place.start_server()
    agent = place.start_agent(f"images:{pictures}", "--until-end")
    wait_until(lambda: len(place.stored()) >= 3, what="three rows on the server")
    kill(server)
    held = len(place.stored())
    wait_until(lambda: len(place.captured()) >= held + 3, what="the agent goes on without a server")
    place.start_server()
    assert agent.wait(120) == 0, place.output_of("agent")
    assert len(place.captured()) >= PICTURES - 2
    _assert_everything_arrived_once(place)


def test_agent_killed_mid_run_ends_with_every_row_once(place: Installation, pictures: Path) -> None:
    place.start_server()
    agent = place.start_agent(f"images:{pictures}", "--until-end")
    wait_until(lambda: len(place.stored()) >= 3, what="three rows on the server")
    kill(agent)
    before = len(place.captured())
    again = place.start_agent(f"images:{pictures}", "--until-end")
    assert again.wait(120) == 0, place.output_of("agent")
    assert len(place.captured()) >= before + PICTURES - 2
    _assert_everything_arrived_once(place)


def test_rows_committed_while_no_server_was_there_are_sent_by_the_next_run(
    place: Installation, pictures: Path
) -> None:
    agent = place.start_agent(f"images:{pictures}", "--until-end")
    wait_until(lambda: len(place.captured()) >= 3, what="three rows in the outbox")
    kill(agent)
    place.start_server()
    sender = place.start_agent(f"images:{pictures / 'plate-000.png'}", "--until-end")
    assert sender.wait(120) == 0, place.output_of("agent")
    _assert_everything_arrived_once(place)


def test_sigterm_ends_the_agent_cleanly_within_5_s(place: Installation, pictures: Path) -> None:
    place.start_server()
    agent = place.start_agent(f"images:{pictures}")
    wait_until(lambda: len(place.captured()) >= 1, what="a first sighting")
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(5) == 0, place.output_of("agent")


def test_until_end_stopped_by_a_signal_is_no_success(place: Installation, pictures: Path) -> None:
    agent = place.start_agent(f"images:{pictures}", "--until-end")
    wait_until(lambda: len(place.captured()) >= 1, what="a first sighting, with no server there")
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(60) == 1, place.output_of("agent")
    assert "stopped before the end" in place.output_of("agent")
    assert {sent for _, _, sent in place.captured()} == {0}


def test_second_agent_on_the_same_database_is_refused_at_once(
    place: Installation, pictures: Path
) -> None:
    first = place.start_agent(f"images:{pictures}")
    wait_until(lambda: len(place.captured()) >= 1, what="the first agent watches")
    second = place.start_agent("synthetic:?seed=3")
    assert second.wait(30) == 1
    assert f"process {first.pid} watches into" in place.output_of("agent")
    assert first.poll() is None
