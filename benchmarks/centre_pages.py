"""The centre at work: `python -m benchmarks.centre_pages FOLDER`, made by benchmarks.load_history.

A real server on that history. Each page is opened in a real browser; many open overviews are held
as their browsers would hold them; and while pages are used, while they are open, and while an
export and a pruning run, a camera's sightings are timed until they are acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from playwright.async_api import Page, async_playwright
from rich.console import Console
from rich.table import Table

from benchmarks import promptness
from benchmarks.machine import Machine, machine_of
from benchmarks.open_pages import OpenPages
from benchmarks.server_process import ServerProcess
from telemetry.logging import configure_logging

DATABASE: Final = "websocket_server.db"
CAMERA: Final = "/cameras/gate-001"
PAGES: Final = {
    "overview": "/",
    "sightings": "/sightings",
    "sightings, table": "/sightings?view=table",
    "a plate": "/sightings?plate=AB1*",
    "an ending": "/sightings?plate=*34",
    "one sighting": "/sightings/1000",
    "cameras": "/cameras",
    "a camera": CAMERA,
    "nothing missing, 7 days": f"{CAMERA}?show=books",
    "data": "/data",
    "performance": "/performance",
}
_IS_LIVE: Final = "window.did_handshake && document.querySelector('h1') !== null"
_ANSWERED: Final = "performance.getEntriesByType('navigation')[0]"
PASSWORD: Final = "correct horse battery staple"  # noqa: S105 (of accounts that this makes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTime:
    """Medians in milliseconds: until the server's answer is whole, and until the page is live."""

    page: str
    answered_ms: float
    live_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A camera's waits for acknowledgements while something else goes on."""

    what: str
    p50_ms: float
    p99_ms: float
    said: str = ""


class Measuring:
    """One server, asked and watched in turn."""

    def __init__(self, server: ServerProcess, place: Path, *, rows: int, times: int) -> None:
        self._server = server
        self._place = place
        self._rows = rows
        self._times = times
        self._camera = 0
        self.url = f"http://127.0.0.1:{server.web_port}"

    async def pages(self, page: Page) -> list[PageTime]:
        """Each several times; the first of all, which fills the browser's cache, does not count."""
        await _open(page, self.url + "/")
        found = []
        for name, path in PAGES.items():
            answered, live = [], []
            for _ in range(self._times):
                begun_s = time.perf_counter()
                await _open(page, self.url + path)
                live.append((time.perf_counter() - begun_s) * 1000)
                entry = f"{_ANSWERED}.responseEnd - {_ANSWERED}.requestStart"
                answered.append(float(await page.evaluate(entry)))
            found.append(
                PageTime(
                    page=name,
                    answered_ms=round(statistics.median(answered), 1),
                    live_ms=round(statistics.median(live), 1),
                )
            )
        return found

    async def beside(self, what: str, said: str = "") -> Beside:
        """A camera that records now and then."""
        self._camera += 1
        waits = await promptness.measure(
            self._place / f"camera-{self._camera}",
            self._server.port,
            rows=self._rows,
            seed=self._camera,
            is_alone=False,
            told=lambda: None,
        )
        return Beside(what=what, p50_ms=waits.p50_ms, p99_ms=waits.p99_ms, said=said)

    async def beside_walks(self, page: Page) -> Beside:
        """Somebody opens one page after the other all the time."""
        walks = 0

        async def walk() -> None:
            nonlocal walks
            while True:
                for path in PAGES.values():
                    await _open(page, self.url + path)
                    walks += 1

        walking = asyncio.create_task(walk())
        found = await self.beside("pages opened all the time")
        walking.cancel()
        await asyncio.gather(walking, return_exceptions=True)
        return Beside(**(asdict(found) | {"said": f"{walks} pages meanwhile"}))

    async def beside_open_pages(self, accounts: Sequence[str], count: int) -> Beside:
        """So many overviews that are kept up to date."""
        before = self._server.cost()
        async with OpenPages(self.url, accounts, PASSWORD) as pages:
            await pages.open(count)
            opened, begun_s = self._server.cost(), time.perf_counter()
            found = await self.beside(f"{count} open overviews")
            now = self._server.cost()
            share = (now.cpu_s - opened.cpu_s) / (time.perf_counter() - begun_s)
            grown_mb = (now.memory_bytes - before.memory_bytes) / 1e6
            said = (
                f"{pages.live} live, {pages.updates} updates; {grown_mb:.0f} MB more, "
                f"{100 * share:.0f}% of a core"
            )
        return Beside(**(asdict(found) | {"said": said}))

    async def beside_pruning(self, token: str, days: int) -> Beside:
        """Everything is exported while what is old is given up."""
        begun_s = time.perf_counter()
        async with httpx.AsyncClient(base_url=self.url, timeout=None) as program:  # noqa: S113 (it takes minutes)
            headers = {"authorization": f"Bearer {token}"}
            exporting = asyncio.create_task(_exported(program))
            answer = await program.post(
                "/api/v1/data/prune", headers=headers, json={"older_than_days": days}
            )
            answer.raise_for_status()
            found = await self.beside("export of all, and pruning")
            lines, announced = await exporting
            exported_s = time.perf_counter() - begun_s
            while (await program.get("/api/v1/data/prune")).json()["is_running"]:  # noqa: ASYNC110 (over HTTP)
                await asyncio.sleep(1)
            state = (await program.get("/api/v1/data/prune")).json()
        said = (
            f"{lines:,} of {announced} rows exported in {exported_s:.0f} s; pruned in "
            f"{time.perf_counter() - begun_s:.0f} s, {state['freed_bytes'] / 1e6:.0f} MB freed, "
            f"fault: {state['fault']}"
        )
        return Beside(**(asdict(found) | {"said": said}))


async def _open(page: Page, address: str) -> None:
    await page.goto(address, wait_until="commit")
    await page.wait_for_function(_IS_LIVE)


async def _exported(program: httpx.AsyncClient) -> tuple[int, str]:
    """Lines without the heading, and how many were announced."""
    lines = -1
    async with program.stream("GET", "/api/v1/sightings/export?format=csv") as answer:
        answer.raise_for_status()
        async for piece in answer.aiter_bytes():
            lines += piece.count(b"\n")
        return lines, answer.headers["x-sightings-count"]


@asynccontextmanager
async def _browser() -> AsyncIterator[Page]:
    program = shutil.which("chromium")
    if program is None:
        raise typer.BadParameter("Debian's package chromium is not installed")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=program, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield await running.new_page()
        await running.close()


def _command(folder: Path, *words: str, said: str = "") -> str:
    """What `python -m server` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "server", *words, "--db", str(folder / DATABASE)],
        input=said,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _accounts(folder: Path, count: int) -> list[str]:
    """Viewers, each of whom may have so many pages open; made once."""
    names = [f"viewer{number}" for number in range(count)]
    known = _command(folder, "user", "list")
    for name in (*names, "root"):
        if name not in known:
            role = "admin" if name == "root" else "viewer"
            _command(folder, "user", "add", name, "--role", role, "--stdin", said=f"{PASSWORD}\n")
    return names


async def _all(
    folder: Path,
    *,
    rows: int,
    times: int,
    pages: int,
    days: int,
    told: Callable[[str], None],
) -> tuple[list[PageTime], list[Beside]]:
    accounts = _accounts(folder, -(-pages // 50))
    title = f"benchmark {time.time():.0f}"
    token = _command(folder, "user", "token", "root", title, "--scope", "data:delete").split()[-1]
    with tempfile.TemporaryDirectory(prefix="sightpost-pages-", dir=folder) as temporary:
        place = Path(temporary)
        configure_logging(file=place / "benchmark.log", level="INFO", to_stderr=False)
        async with AsyncExitStack() as opened:
            server = opened.enter_context(ServerProcess(folder, name=DATABASE))
            page = await opened.enter_async_context(_browser())
            measuring = Measuring(server, place, rows=rows, times=times)
            shown = await measuring.pages(page)
            told(f"{len(shown)} pages opened")
            beside = []
            for measured in (
                measuring.beside("nothing else"),
                measuring.beside_walks(page),
                measuring.beside_open_pages(accounts, pages),
                measuring.beside_pruning(token, days),
            ):
                beside.append(await measured)
                told(f"measured beside {beside[-1].what}")
    return shown, beside


def _show(
    console: Console, shown: Sequence[PageTime], beside: Sequence[Beside], machine: Machine
) -> None:
    table = Table("page", "answered", "live", title="milliseconds in the browser")
    for each in shown:
        table.add_row(each.page, f"{each.answered_ms:.0f}", f"{each.live_ms:.0f}")
    console.print(table)
    waits = Table("beside", "p50 ms", "p99 ms", "", title="a sighting until it is acknowledged")
    for one in beside:
        waits.add_row(one.what, f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}", one.said)
    console.print(waits)
    console.print(f"{machine.processor}, {machine.cores} cores; {machine.measured_at}")


def main(
    folder: Annotated[Path, typer.Argument(help="Made by benchmarks.load_history --folder.")],
    rows: Annotated[int, typer.Option(min=20, help="Sightings of a camera beside each.")] = 100,
    times: Annotated[int, typer.Option(min=1, help="How often each page is opened.")] = 5,
    pages: Annotated[int, typer.Option(min=1, max=290, help="Overviews open at once.")] = 200,
    days: Annotated[int, typer.Option(min=1, help="What is older is pruned.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Times pages and, beside them, a camera. Prunes the history: give it a copy."""
    machine = machine_of(folder)
    console = Console(stderr=as_json)
    work = _all(folder, rows=rows, times=times, pages=pages, days=days, told=console.print)
    shown, beside = asyncio.run(work)
    if as_json:
        told = {"machine": asdict(machine), "pages": [*map(asdict, shown)]}
        print(json.dumps({**told, "beside": [*map(asdict, beside)]}, indent=1))
    else:
        _show(console, shown, beside, machine)


if __name__ == "__main__":
    typer.run(main)
