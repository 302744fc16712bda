"""The pictures of the documents: what `scripts/pictures` runs.

A server and an agent on the built-in road, so that everything in them is rendered or made up.
"""

from __future__ import annotations

import io
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from demo_pair import start_agent, start_server
from demo_places import DemoFailed, Places
from demo_programs import ask, await_health, free_ports, interruptible, setup_path
from PIL import Image
from playwright.sync_api import Page, sync_playwright

SOURCE: Final = "synthetic:?seed=2&night=0&traffic=halts&halt=8"
"""By day; what stands has its plate where it was found, however slow the machine."""
CAMERA: Final = {"AGENT_DEVICE_ID": "gate-north", "CHECKPOINT_ID": "1", "HOSTNAME": "gate-north"}
SIGHTINGS: Final = 10
"""So many are there when the first picture is taken."""
WIDTH: Final = 1200
HEIGHT: Final = 860
QUALITY: Final = 80
MOST_BYTES: Final = 150_000
"""Of a picture: a clone carries them all."""
PATIENCE_S: Final = 600.0
STANDS_MS: Final = 2500.0
"""Then what comes stands and is read."""
DRAWN_MS: Final = 1500.0
"""Charts come in within this."""


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with interruptible(), tempfile.TemporaryDirectory(prefix="sightpost-pictures-") as passing:
            places = Places(data=Path(passing))
            with places.prepared(fresh=False):
                _run(places, folder)
    except DemoFailed as error:
        sys.stderr.write(f"scripts/pictures: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _run(places: Places, folder: Path) -> None:
    """Raises DemoFailed."""
    browser = shutil.which("chromium")
    if browser is None:
        raise DemoFailed("there is no browser: sudo apt-get install chromium")
    port, web_port, agent_port = free_ports(0, 0, 0)
    server = start_server(places, port, web_port)
    try:
        await_health(server, web_port)
        link = setup_path(server)
        if link is None:
            raise DemoFailed(f"the server printed no link:\n{server.tail()}")
        agent = start_agent(places, SOURCE, port, agent_port, more=CAMERA)
        try:
            await_health(agent, agent_port)
            with sync_playwright() as playwright:
                running = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
                page = running.new_page(viewport={"width": WIDTH, "height": HEIGHT})
                _sign_up(page, f"http://127.0.0.1:{web_port}{link}")
                _until(lambda: ask(agent_port).get("sightings", 0) >= SIGHTINGS)
                _of_centre(page, f"http://127.0.0.1:{web_port}", folder)
                _of_camera(page, agent_port, folder)
        finally:
            agent.stop()
    finally:
        server.stop()


def _sign_up(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Name to sign in with").fill("operator")
    page.get_by_label("Password").fill(secrets.token_urlsafe())
    page.get_by_role("button", name="Make the account").click()
    page.wait_for_url(lambda url: "/setup" not in url)


def _of_centre(page: Page, url: str, folder: Path) -> None:
    for name, path in (
        ("overview", "/"),
        ("sightings", "/sightings"),
    ):
        page.goto(f"{url}{path}")
        _take(page, folder / f"{name}.webp")
    page.goto(f"{url}/sightings")
    page.locator("a[href^='/sightings/']").first.click()
    page.wait_for_url("**/sightings/*")
    _take(page, folder / "sighting.webp")


def _of_camera(page: Page, port: int, folder: Path) -> None:
    page.goto(f"http://127.0.0.1:{port}/", wait_until="domcontentloaded")
    _until(lambda: ask(port).get("passages_going_on") == 0)
    _until(lambda: ask(port).get("passages_going_on", 0) > 0)
    page.wait_for_timeout(STANDS_MS)
    _take(page, folder / "local-page.webp")
    page.goto(f"http://127.0.0.1:{port}/health")
    _take(page, folder / "local-health.webp")


def _take(page: Page, to: Path) -> None:
    """Raises DemoFailed where it becomes too large."""
    page.wait_for_timeout(DRAWN_MS)
    drawn = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    drawn.save(to, "WEBP", quality=QUALITY, method=6)
    size_bytes = to.stat().st_size
    if size_bytes > MOST_BYTES:
        raise DemoFailed(f"{to} has {size_bytes:,} bytes, expected at most {MOST_BYTES:,}")
    sys.stdout.write(f"{to}: {size_bytes:,} bytes\n")


def _until(is_so: Callable[[], bool]) -> None:
    """Raises DemoFailed."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline_s:
            raise DemoFailed(f"the road did not bring in {PATIENCE_S:.0f} s what was to be shown")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
