"""Servers on one PostgreSQL and two cameras, shown live: what `scripts/demo-cluster` runs.

Starts the real programs, kills a server in the middle if asked, and at the end looks for every row
of every camera in PostgreSQL. Everything is in a passing folder and gone afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from demo_places import DemoFailed
from demo_programs import ROOT, Program, ended, free_ports, interruptible, start
from rich.console import Console
from rich.live import Live
from rich.text import Text

sys.path.insert(0, str(ROOT))

from demo_cluster_books import Book, book_of, table_of
from demo_cluster_parts import BACKOFF_MAX_S, Camera, Pages, Server
from demo_cluster_view import ClusterView

from benchmarks import local_haproxy
from benchmarks.local_postgres import PostgresMissing, local_postgres

REFRESH_S: Final = 0.25
PLAIN_REPORT_S: Final = 5.0
DOWN_S: Final = 1.0
"""How long the server that is killed stays away at least."""
MOVED_IN_S: Final = 3.0 * BACKOFF_MAX_S
"""By then its cameras have to be on the other one, also where the machine has much else to do."""


class Killing(Enum):
    """What becomes of one server where that is asked for."""

    NOT_ASKED = auto()
    TO_COME = auto()
    IS_DOWN = auto()
    IS_BACK = auto()


@dataclass(slots=True, kw_only=True)
class Cluster:
    """Everything that runs. `balancer` None: each camera has a server of its own."""

    console: Console
    url: str
    servers: tuple[Server, Server]
    cameras: tuple[Camera, Camera]
    pages: Pages
    balancer: Program | None
    killing: Killing
    victim: Server | None = None
    killed_at_s: float = 0.0
    moved_after_s: float | None = None

    def look(self) -> None:
        """Asks everybody how things are. Raises DemoFailed where a server is gone by itself."""
        for each in (*self.cameras, *self.servers):
            each.look()
        for server in self.servers:
            if not server.is_running and server is not self.victim and server.program is not None:
                raise DemoFailed(f"{server.name} ended by itself:\n{server.program.tail()}")

    def kill_in_time(self) -> None:
        """Kills the server with the most cameras halfway, and starts it again once they are on the
        other. Raises DemoFailed where they do not come there."""
        if self.killing is Killing.TO_COME and any(each.is_halfway for each in self.cameras):
            self.victim = max(self.servers, key=lambda each: each.lines)
            lines = self.victim.lines
            self.victim.kill()
            self.killed_at_s = time.monotonic()
            self.killing = Killing.IS_DOWN
            self._say(f"{self.victim.name} is killed, with {lines} of the cameras on it.", "red")
        away_s = time.monotonic() - self.killed_at_s
        if self.killing is not Killing.IS_DOWN or self.victim is None:
            return
        if self.balancer is not None and not self._have_moved(away_s):
            if away_s > MOVED_IN_S:
                raise DemoFailed(f"its cameras are not on the other server after {away_s:.0f} s")
            return
        if away_s >= DOWN_S:
            self.victim.start()
            self.victim = None
            self.killing = Killing.IS_BACK
            if self.balancer is not None and self.moved_after_s is None:
                self._say("Its cameras were done before they came to the other one.", "yellow")
            self._say("It is started again.", "green")

    def _have_moved(self, away_s: float) -> bool:
        """Whether all cameras that run are on the servers that are left."""
        running = sum(each.is_running for each in self.cameras)
        if self.moved_after_s is None and sum(each.lines for each in self.servers) >= running > 0:
            self.moved_after_s = away_s
            self._say(
                f"Its cameras are on the other one after {away_s:.1f} s (they wait {BACKOFF_MAX_S} "
                "s at most between two attempts).",
                "green",
            )
        return self.moved_after_s is not None or running == 0

    def stop_cameras(self) -> None:
        for camera in self.cameras:
            camera.stop()

    def stop(self) -> None:
        """Cameras first, so that what they have in hand is answered."""
        self.stop_cameras()
        if self.balancer is not None:
            self.balancer.stop()
        for server in self.servers:
            server.stop()

    def _say(self, text: str, style: str) -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)


def main() -> int:
    options = _parse_arguments()
    console = Console()
    try:
        with (
            interruptible(),
            tempfile.TemporaryDirectory(prefix="sightpost-cluster-") as folder,
            _cluster(console, Path(folder), options) as cluster,
        ):
            return _run(cluster, stays=options.stay)
    except (DemoFailed, PostgresMissing, OSError) as error:
        console.print(Text.assemble(("scripts/demo-cluster: ", "red"), str(error)), soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        return 130


@contextmanager
def _cluster(console: Console, folder: Path, options: argparse.Namespace) -> Iterator[Cluster]:
    """Everything started but the cameras, and stopped at the end.

    Raises DemoFailed, PostgresMissing.
    """
    front, pages_front, pages_port, *ports = free_ports(
        8765, 8080, 8791, 8771, 8772, 8781, 8782, 8001, 8002
    )
    with ExitStack() as stack:
        console.print("Starting PostgreSQL ...")
        url = stack.enter_context(local_postgres()).url()
        console.print(f"It answers on {url}", highlight=False, soft_wrap=True)
        servers = _servers(folder, url, ports[:2], ports[2:4])
        console.print("Starting two servers that take rows, and one that shows pages ...")
        pages = Pages(
            folder=_made(folder / "servers"),
            log=_made(folder / "log"),
            url=url,
            web_port=pages_port,
            front=pages_front,
        )
        for each in (*servers, pages):
            stack.callback(each.stop)
            each.start()
        for server in servers:
            server.await_start()
        balancer = _balancer(console, folder, front, servers, pages)
        if balancer is not None:
            stack.callback(balancer.stop)
        else:
            pages.front = pages.web_port
        console.print("The pages: make the first administrator's account on")
        console.print(f"  {pages.await_start()}", highlight=False, soft_wrap=True)
        doors = [front, front] if balancer else ports[:2]
        cluster = Cluster(
            console=console,
            url=url,
            servers=servers,
            cameras=_cameras(folder, doors, ports[4:], options.vehicles),
            pages=pages,
            balancer=balancer,
            killing=Killing.TO_COME if options.kill_one else Killing.NOT_ASKED,
        )
        stack.callback(cluster.stop)
        yield cluster


def _servers(
    folder: Path, url: str, ports: Sequence[int], web_ports: Sequence[int]
) -> tuple[Server, Server]:
    first, second = (
        Server(
            name=f"server-{number}",
            folder=_made(folder / "servers"),
            log=_made(folder / "log"),
            url=url,
            port=port,
            web_port=web_port,
        )
        for number, port, web_port in zip((1, 2), ports, web_ports, strict=True)
    )
    return first, second


def _cameras(
    folder: Path, doors: Sequence[int], web_ports: Sequence[int], vehicles: int
) -> tuple[Camera, Camera]:
    """`doors` are the ports that they send to."""
    first, second = (
        Camera(
            name=f"camera-{number}",
            number=number,
            folder=_made(folder / f"camera-{number}"),
            log=_made(folder / "log"),
            vehicles=vehicles,
            server_port=door,
            web_port=web_port,
        )
        for number, door, web_port in zip((1, 2), doors, web_ports, strict=True)
    )
    return first, second


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _balancer(
    console: Console, folder: Path, port: int, servers: tuple[Server, Server], pages: Pages
) -> Program | None:
    """HAProxy where it is installed."""
    first, second = servers
    try:
        program = local_haproxy.program()
    except local_haproxy.HaproxyMissing as error:
        console.print(
            f"Nothing balances ({error}): each camera has a server of its own, and waits for it "
            "where that is killed.",
            soft_wrap=True,
        )
        return None
    configuration = folder / "haproxy.cfg"
    configuration.write_text(
        local_haproxy.configuration(
            port,
            servers=(first.port, second.port),
            checks=(first.web_port, second.web_port),
            pages=pages.front,
            webs=(pages.web_port, pages.web_port),
        ),
        encoding="utf-8",
    )
    console.print(
        f"HAProxy spreads the cameras, on ws://127.0.0.1:{port}/, and brings browsers to the pages",
        soft_wrap=True,
    )
    return start(
        "haproxy",
        [program, "-db", "-f", configuration],
        folder=folder,
        log=folder / "log" / "haproxy.out",
        settings={},
    )


def _run(cluster: Cluster, *, stays: bool) -> int:
    """Starts the cameras, watches until they are done, and counts; the exit code."""
    cluster.console.print("Starting two cameras ...")
    for camera in cluster.cameras:
        camera.start()
    interrupted = False
    try:
        _watch(cluster)
    except KeyboardInterrupt:
        interrupted = True
        cluster.console.print("Stopping: the cameras first, then the servers ...")
    if cluster.killing is Killing.IS_DOWN:
        cluster.console.print("The cameras were done before it was to start again.")
    cluster.stop_cameras()
    books = asyncio.run(_books(cluster))
    cluster.console.print(table_of(books))
    if interrupted:
        return 130
    code = _verdict(cluster, books)
    if stays:
        address = f"http://127.0.0.1:{cluster.pages.front}/"
        cluster.console.print(
            f"The pages stay up at {address}: Ctrl-C ends everything.",
            highlight=False,
            soft_wrap=True,
        )
        signal.pause()
    return code


def _watch(cluster: Cluster) -> None:
    """Shows everybody until both cameras are done. Raises DemoFailed."""
    view = ClusterView(
        cameras=cluster.cameras,
        servers=cluster.servers,
        front="HAProxy" if cluster.balancer else "nothing between",
    )
    reported_s = time.monotonic()
    with ExitStack() as stack:
        live = None
        if cluster.console.is_terminal:
            live = stack.enter_context(Live(view.render(), console=cluster.console))
        while any(camera.is_running for camera in cluster.cameras):
            cluster.look()
            cluster.kill_in_time()
            if live is not None:
                live.update(view.render())
            elif time.monotonic() - reported_s >= PLAIN_REPORT_S:
                reported_s = time.monotonic()
                print(view.line(), flush=True)
            time.sleep(REFRESH_S)
        if live is not None:
            live.update(view.render())


async def _books(cluster: Cluster) -> list[Book]:
    return [await book_of(each.name, each.database, cluster.url) for each in cluster.cameras]


def _verdict(cluster: Cluster, books: list[Book]) -> int:
    """Says whether every row is there once; the exit code."""
    code = 0
    for camera in cluster.cameras:
        if camera.program is not None and (camera_code := camera.stop()):
            code = 1
            cluster.console.print(Text(camera.program.tail()), soft_wrap=True)
            said = f"{camera.name} {ended(camera_code)}; its last words are above."
            cluster.console.print(said, style="red", soft_wrap=True)
    if cluster.killing is Killing.TO_COME:
        code = 1
        said = "The cameras were done before a server could be killed: give them more --vehicles."
        cluster.console.print(said, style="red", soft_wrap=True)
    if not all(book.is_balanced for book in books):
        cluster.console.print("Rows are missing or there twice.", style="red")
        return 1
    if code == 0:
        cluster.console.print("Every row is in PostgreSQL, once.", style="green")
    return code


def _parse_arguments() -> argparse.Namespace:
    """What each of them is: scripts/demo-cluster says it, before there is an environment."""
    parser = argparse.ArgumentParser(prog="scripts/demo-cluster", add_help=False)
    parser.add_argument("--vehicles", type=_count, default=10, metavar="N")
    parser.add_argument("--kill-one", action="store_true")
    parser.add_argument("--stay", action="store_true")
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 1 to 10000")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
