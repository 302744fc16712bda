"""Server and one agent on this machine, shown live: what `scripts/demo` runs.

Starts the real programs as processes of their own, watches them through their web ports and
databases, and stops them in the order in which nothing is lost.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import Final

from demo_pair import start_agent, start_server
from demo_places import DemoFailed, Places, shown
from demo_programs import (
    ROOT,
    Program,
    ask,
    await_health,
    ended,
    free_ports,
    interruptible,
    setup_path,
)
from rich.console import Console
from rich.live import Live
from rich.text import Text

sys.path.insert(0, str(ROOT))

from demo_view import View

from agent.camera.errors import SourceError
from agent.camera.uri import Scheme, SourceUri, parse_source

ROWS_PORT: Final = 8765
WEB_PORT: Final = 8080
"""Of a server that is told no others."""
REFRESH_S: Final = 0.5
PLAIN_REPORT_S: Final = 5.0


def main() -> int:
    options = _parse_arguments()
    console = Console()
    places = Places(data=Path(options.data).resolve())
    try:
        source = _source(options.source)
        with interruptible(), places.prepared(fresh=options.fresh):
            return _run(console, places, source, until_end=options.until_end)
    except (DemoFailed, SourceError, OSError) as error:
        console.print(Text.assemble(("scripts/demo: ", "red"), str(error)), soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        return 130


def _source(text: str) -> SourceUri:
    """The source with an absolute path, since the agent runs in a folder of its own."""
    uri = parse_source(text)
    if uri.scheme not in (Scheme.FILE, Scheme.IMAGES):
        return uri
    path = Path(uri.target).expanduser().resolve()
    if not path.exists():
        raise DemoFailed(f"{path} does not exist: name a clip, a picture or a folder of pictures")
    return SourceUri(scheme=uri.scheme, target=str(path))


def _run(console: Console, places: Places, source: SourceUri, *, until_end: bool) -> int:
    view = View(places=places, source=str(source))
    port, web_port, agent_port = free_ports(ROWS_PORT, WEB_PORT, 8000)
    with ExitStack() as stack:
        console.print("Starting the server ...")
        server = start_server(places, port, web_port)
        stack.callback(server.stop)
        await_health(server, web_port)
        console.print(f"The server takes rows on ws://127.0.0.1:{port}/", soft_wrap=True)
        console.print(f"Its pages are on http://127.0.0.1:{web_port}/", soft_wrap=True)
        if path := setup_path(server):
            console.print("To sign in there, make the first administrator's account on")
            console.print(f"  http://127.0.0.1:{web_port}{path}", soft_wrap=True)
        console.print("Starting the agent ...")
        agent = start_agent(places, source.address, port, agent_port, until_end=until_end)
        console.print(f"The camera's page is on http://127.0.0.1:{agent_port}/", soft_wrap=True)
        interrupted = False
        try:
            _watch(console, view, agent, server, agent_port, web_port)
        except KeyboardInterrupt:
            interrupted = True
            console.print("Stopping: the agent first, then the server ...")
        finally:
            code = agent.stop()
            server_code = server.stop()
    _tell_end(console, agent, code, server_code, until_end=until_end, interrupted=interrupted)
    _tell_places(console, view, port, web_port)
    if interrupted:
        return 130 if until_end else 0
    return code or server_code


def _watch(
    console: Console, view: View, agent: Program, server: Program, agent_port: int, web_port: int
) -> None:
    """Shows both programs until the agent ends; raises DemoFailed when the server dies."""
    reported_s = time.monotonic()
    with ExitStack() as stack:
        live = None
        if console.is_terminal:
            live = stack.enter_context(Live(view.render(), console=console, transient=False))
        while agent.is_running:
            view.agent = ask(agent_port) or view.agent
            view.server = ask(web_port) or view.server
            if live is not None:
                live.update(view.render())
            elif time.monotonic() - reported_s >= PLAIN_REPORT_S:
                reported_s = time.monotonic()
                print(view.line(), flush=True)
            if not server.is_running:
                raise DemoFailed(
                    f"the server {ended(server.process.returncode)} by itself:\n{server.tail()}"
                )
            time.sleep(REFRESH_S)


def _tell_end(
    console: Console,
    agent: Program,
    code: int,
    server_code: int,
    *,
    until_end: bool,
    interrupted: bool,
) -> None:
    if code != 0 and not interrupted:
        console.print(Text(agent.tail()), soft_wrap=True)
        console.print(f"The agent {ended(code)}; its last words are above.", style="red")
    elif until_end and not interrupted:
        console.print("The source has ended and every row is acknowledged.")
    if server_code != 0:
        console.print(f"The server {ended(server_code)}.", style="red")


def _tell_places(console: Console, view: View, port: int, web_port: int) -> None:
    totals = ", ".join(f"{name} {value.plain}" for name, value in view.totals())
    if totals:
        console.print(f"In this folder: {totals}", highlight=False, soft_wrap=True)
        console.print("(sightings, faces and health checks are all rows)", highlight=False)
    console.print(f"Logs: {shown(view.places.log)}", highlight=False, soft_wrap=True)
    for name, path in (
        ("Camera's database", view.places.agent_database),
        ("Server's database", view.places.server_database),
    ):
        console.print(f"{name}: {shown(path)}", highlight=False, soft_wrap=True)
    again = f".venv/bin/python -m server run --db {quote(shown(view.places.server_database))}"
    if port != ROWS_PORT:
        again += f" --port {port}"
    if web_port != WEB_PORT:
        again += f" --web-port {web_port}"
    pages = f"The pages on them, on http://127.0.0.1:{web_port}/ again: {again}"
    console.print(pages, highlight=False, soft_wrap=True)


def _parse_arguments() -> argparse.Namespace:
    """What each of them is: scripts/demo says it, before there is an environment."""
    parser = argparse.ArgumentParser(prog="scripts/demo", add_help=False)
    parser.add_argument("source", nargs="?", default="synthetic:", metavar="SOURCE")
    parser.add_argument("--until-end", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        default=os.environ.get("SIGHTPOST_DEMO_DATA") or str(ROOT / "demo-data"),
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
