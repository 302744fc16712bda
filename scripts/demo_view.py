"""What a demonstration shows on the terminal: the newest answers of both programs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import apsw
from demo_places import Places, shown
from rich.console import Group
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agent.percent import percent


@dataclass(slots=True)
class View:
    """What the terminal shows: the newest answers of both programs."""

    places: Places
    source: str
    agent: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)
    started_s: float = field(default_factory=time.monotonic)

    def render(self) -> Panel:
        """The whole display."""
        facts = Table.grid(padding=(0, 2))
        facts.add_column(style="bold", no_wrap=True)
        facts.add_column()
        for name, value in self._facts():
            facts.add_row(name, value)
        latest = latest_table(self.agent.get("latest_sightings", []))
        return Panel(
            Group(facts, self._progress(), Text(""), latest, Text(""), self._where()),
            title=f"Sightpost: {self.source}",
            subtitle="Ctrl-C stops and loses nothing",
        )

    def line(self) -> str:
        """The same in one line, where there is no terminal."""
        latest = self.agent.get("latest_sightings", [])
        newest = f", latest {latest[0]['what']}" if latest else ""
        facts = "; ".join(f"{name} {value.plain}" for name, value in self._facts())
        return f"{time.monotonic() - self.started_s:5.0f} s  {facts}{newest}"

    def totals(self) -> Iterator[tuple[str, Text]]:
        """Rows by what became of them, from the camera's own database once its program ended."""
        database = self.places.agent_database
        if not database.is_file():
            return
        connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
        with contextlib.closing(connection):
            row = connection.execute(
                "SELECT (SELECT count(*) FROM detection_results), acknowledged, waiting, refused "
                "FROM store"
            ).fetchone()
        if row is None:
            return
        for name, value in zip(
            ("sightings", "rows acknowledged", "rows waiting", "rows refused"), row, strict=True
        ):
            yield name, Text(str(value))

    def _facts(self) -> Iterator[tuple[str, Text]]:
        if not self.agent:
            yield "agent", Text("starting: loading the models ...", style="yellow")
            return
        agent = self.agent
        total = f" of {agent['frames_total']}" if agent.get("frames_total") else ""
        yield "frames looked at", Text(f"{agent['frames']}{total} ({agent['fps']:.1f}/s)")
        if agent["source_has_ended"]:
            yield "source", Text("has ended; Ctrl-C stops", style="yellow")
        elif agent["source_error"]:
            yield "source", Text(f"{agent['source_error']} (tried again)", style="red")
        yield "sightings", Text(str(agent["sightings"]))
        yield (
            "rows waiting",
            Text(str(agent["waiting"]), style="yellow" if agent["waiting"] else ""),
        )
        acknowledged = Text(str(agent["acknowledged"]), style="green")
        yield "rows acknowledged (health checks too)", acknowledged
        if agent.get("refused"):
            yield "rows refused", Text(str(agent["refused"]), style="red")
        link = agent["link"]
        yield (
            "link",
            Text(f"{link['state']}: {link['advice']}" if link["advice"] else link["state"]),
        )

    def _progress(self) -> Group:
        total = self.agent.get("frames_total")
        if not total:
            return Group()
        return Group(ProgressBar(total=total, completed=self.agent["frames"]))

    def _where(self) -> Table:
        where = Table.grid(padding=(0, 2))
        for name, path in (
            ("camera's database", self.places.agent_database),
            ("server's database", self.places.server_database),
            ("logs", self.places.log),
        ):
            where.add_row(name, Text(shown(path), style="cyan", overflow="fold"))
        return where


def latest_table(sightings: Iterable[dict[str, Any]]) -> Table:
    """A line for each, as the agent's `/health` has them."""
    table = Table(expand=True, box=None)
    for title, justify in (("time", "left"), ("plate", "left"), ("confidence", "right")):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]  # rich's literal
    for sighting in sightings:
        table.add_row(
            _clock(sighting["captured_at"]),
            Text(str(sighting["what"]), style="bold green"),
            percent(sighting["confidence"]),
        )
    return table


def _clock(text: str) -> str:
    """This machine's time of day."""
    return datetime.fromisoformat(text).astimezone().strftime("%H:%M:%S")
