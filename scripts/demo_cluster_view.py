"""What the demonstration of several servers shows on the terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from demo_cluster_parts import Camera, Server
from demo_view import latest_table
from rich.console import Group
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_LATEST = 6


@dataclass(slots=True)
class ClusterView:
    """The newest answers of all programs."""

    cameras: Sequence[Camera]
    servers: Sequence[Server]
    front: str
    started_s: float = field(default_factory=time.monotonic)

    def render(self) -> Panel:
        """The whole display."""
        return Panel(
            Group(self._cameras(), Text(""), self._servers(), Text(""), self._latest()),
            title=f"Sightpost: {len(self.cameras)} cameras, {self.front}, "
            f"{len(self.servers)} servers, one PostgreSQL",
            subtitle="Ctrl-C stops everything",
        )

    def line(self) -> str:
        """The same in one line, where there is no terminal."""
        cameras = "; ".join(
            f"{each.name} {each.said.get('sightings', 0)} sightings, "
            f"{each.said.get('acknowledged', 0)} rows acknowledged, "
            f"{each.said.get('waiting', 0)} waiting"
            for each in self.cameras
        )
        servers = "; ".join(
            f"{each.name} {self._has(each) if each.is_running else 'is down'}"
            for each in self.servers
        )
        return f"{time.monotonic() - self.started_s:5.0f} s  {cameras}; {servers}"

    def _has(self, server: Server) -> str:
        return f"has {server.lines} of the {len(self.cameras)} cameras"

    def _cameras(self) -> Table:
        table = Table(expand=True, box=None)
        for name in ("camera", "road", "sightings", "acknowledged", "waiting", "link"):
            right = name in ("sightings", "acknowledged", "waiting")
            table.add_column(name, justify="right" if right else "left")
        for each in self.cameras:
            said = each.said
            if not said:
                loading = Text("starting: loading the models ...", style="yellow")
                table.add_row(Text(each.name, style="bold"), loading)
                continue
            waiting = said["waiting"]
            table.add_row(
                Text(each.name, style="bold"),
                ProgressBar(total=said["frames_total"] or 1, completed=said["frames"], width=20),
                str(said["sightings"]),
                Text(str(said["acknowledged"]), style="green"),
                Text(str(waiting), style="yellow" if waiting else ""),
                said["link"]["state"] if each.is_running else "done",
            )
        return table

    def _servers(self) -> Table:
        table = Table(expand=True, box=None)
        for name in ("server", "address", "state", "cameras", "rows taken"):
            right = name in ("cameras", "rows taken")
            table.add_column(name, justify="right" if right else "left")
        for each in self.servers:
            table.add_row(
                Text(each.name, style="bold"),
                f"ws://127.0.0.1:{each.port}/",
                _state(each),
                str(each.lines),
                str(each.said.get("rows_received", "")),
            )
        return table

    def _latest(self) -> Table:
        found: list[dict[str, Any]] = [
            sighting for each in self.cameras for sighting in each.said.get("latest_sightings", [])
        ]
        found.sort(key=lambda sighting: str(sighting["captured_at"]), reverse=True)
        return latest_table(found[:_LATEST])


def _state(server: Server) -> Text:
    if not server.is_running:
        return Text("down", style="red")
    return Text("takes rows", style="green") if server.said else Text("starting", style="yellow")
