"""A real camera's sighting reaches people in every way there is, once each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.async_api import Page

from tests.end_to_end.programs import Installation, installation, rows_of
from tests.server.channels.receivers import http_receiver, mail_receiver
from tests.server.egress.brokers import Mosquitto, mosquitto
from tests.server.web.pages.browsing import launched

pytestmark = pytest.mark.system

SOURCE: Final = "synthetic:?vehicles=1&seed=1&night=0"
PASSWORD: Final = "correct horse battery staple"
PATIENCE_S: Final = 100


@contextlib.asynccontextmanager
async def watching_page(url: str, token: str) -> AsyncIterator[Page]:
    """Somebody who looks at the centre, and has clicked in the page."""
    async with launched() as browser:
        context = await browser.new_context()
        cookie = {"name": "sightpost_centre", "value": token, "url": url}
        await context.add_cookies([cookie])  # type: ignore[list-item]
        page = await context.new_page()
        page.set_default_timeout(60_000)
        await page.goto(f"{url}/cameras")
        await page.wait_for_function("window.socket?.connected")
        yield page


async def administrator(place: Installation, url: str) -> str:
    """The session of the first one, made by the link that the server printed."""
    found = re.search(r"/setup\?key=(\S+)", place.output_of("server"))
    assert found is not None, place.output_of("server")
    form = {"key": found.group(1), "username": "somchai", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=url) as asking:
        answer = await asking.post("/setup", data=form)
        return str(answer.json()["access_token"])


async def until(holds: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 (other programs make it so)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE_S} s: {what}") from None


async def heard_of(broker: Mosquitto, alerts: list[int]) -> None:
    """Notes every alert that the broker is told of."""
    async with broker.client() as client:
        await client.subscribe("sightpost/alerts", qos=1)
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            alerts.append(json.loads(message.payload)["alert"]["id"])


async def test_a_real_agents_sighting_reaches_page_webhook_mail_and_broker_once(
    tmp_path: Path,
) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        mail_receiver() as mailbox,
        asyncio.TaskGroup() as tasks,
    ):
        settings = {
            "SERVER_PAGES": "true",
            "SERVER_MQTT_URL": broker.url,
            "SERVER_WEBHOOK_NETWORKS": "127.0.0.1",
            "SERVER_SMTP_HOST": "127.0.0.1",
            "SERVER_SMTP_PORT": str(mailbox.port),
            "SERVER_SMTP_ENCRYPTION": "none",
            "SERVER_SMTP_FROM": "centre@example.org",
        }
        told: list[int] = []
        listening = tasks.create_task(heard_of(broker, told))
        with http_receiver(500, 503) as receiver, installation(tmp_path, **settings) as place:
            await asyncio.to_thread(place.start_server)
            url = f"http://127.0.0.1:{place.web_port}"
            token = await administrator(place, url)
            headers = {"authorization": f"Bearer {token}"}
            wanted: list[tuple[str, dict[str, Any]]] = [
                ("watchlists", {"name": "everybody", "kind": "unknown", "cooldown_s": 0}),
                ("channels", {"name": "hook", "kind": "webhook", "target": receiver.url}),
                ("channels", {"name": "mail", "kind": "email", "target": "guard@example.org"}),
            ]
            async with httpx.AsyncClient(base_url=url, headers=headers) as asking:
                for what, said in wanted:
                    answer = await asking.post(f"/api/v1/{what}", json=said)
                    assert answer.status_code == 201, answer.text
            async with watching_page(url, token) as page:
                agent = place.start_agent(SOURCE, "--until-end")
                assert await asyncio.to_thread(agent.wait, PATIENCE_S) == 0
                count = len(place.stored())
                assert count >= 1
                await until(lambda: len(receiver.posts) == count + 2, "the webhook has them all")
                await until(lambda: len(mailbox.mails) == count, "the mails came")
                await until(lambda: len(told) == count, "the broker was told")
                await page.locator(".alarm .plate").wait_for()
                await page.wait_for_selector("html[data-alarms]")
            sql = "SELECT id, plate FROM alerts ORDER BY id"
            alerts = rows_of(place.server_database, sql)
            sql = "SELECT state, count(*) FROM alert_deliveries GROUP BY 1"
            assert rows_of(place.server_database, sql) == [("delivered", 2 * count)]
        listening.cancel()
    assert len(alerts) == count
    accepted = [json.loads(each.body)["alert"]["id"] for each in receiver.posts[2:]]
    assert accepted == told == [number for number, _ in alerts]
    assert len({each.headers["idempotency-key"] for each in receiver.posts}) == count
    subjects = [str(mail["subject"]) for mail in mailbox.mails]
    assert subjects == [f"Alert: {plate}: not in everybody" for _, plate in alerts]
    for mail in mailbox.mails:
        (picture,) = mail.iter_attachments()
        assert picture.get_content().startswith(b"\xff\xd8")
