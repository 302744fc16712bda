"""Server and agent as a demonstration starts them: with settings of its own, all in its folder."""

from __future__ import annotations

from collections.abc import Mapping

from demo_places import Places
from demo_programs import Program, ours, start


def start_server(places: Places, port: int, web_port: int) -> Program:
    arguments = ["run", "--host", "127.0.0.1", "--port", str(port)]
    arguments += ["--web-port", str(web_port), "--db", str(places.server_database)]
    settings = {"SERVER_LOG_FILE": str(places.log / "websocket_server.log")}
    return _start("server", arguments, places, settings)


def start_agent(
    places: Places,
    source: str,
    port: int,
    web_port: int,
    *,
    until_end: bool = False,
    more: Mapping[str, str] | None = None,
) -> Program:
    """`source` is what AGENT_SOURCE may be; `more` are further settings."""
    arguments = ["run"] + (["--until-end"] if until_end else [])
    settings = {
        # Not on the command line: an RTSP address carries its password.
        "AGENT_SOURCE": source,
        "WEBSOCKET_SERVER_URL": f"ws://127.0.0.1:{port}/",
        "DB_PATH": str(places.agent_database),
        "AGENT_IMAGES_DIR": str(places.images),
        "AGENT_LOG_FILE": str(places.log / "app.log"),
        "WEBSOCKET_LOG_FILE": str(places.log / "websocket_sender.log"),
        "AGENT_WEB_PORT": str(web_port),
        "UPLINK_BACKOFF_MAX_S": "5",
    }
    return _start("agent", arguments, places, {**settings, **(more or {})})


def _start(name: str, arguments: list[str], places: Places, settings: dict[str, str]) -> Program:
    log = places.log / f"{name}.out"
    log.unlink(missing_ok=True)  # of an earlier demonstration
    return start(name, ours(name, *arguments), folder=places.data, log=log, settings=settings)
