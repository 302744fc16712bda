"""Tries from outside whether a running server of these settings takes cameras and answers."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
from typing import Final

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from guarding.origin import is_loopback
from server.config import ServerSettings
from server.errors import ServerError

PATIENCE_S: Final = 10.0
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 (compared with)


class NotAnswering(ServerError):
    """The server does not do its work; the text says what was tried and what came."""


async def try_running(settings: ServerSettings) -> list[str]:
    """A sentence for each port that is as it should be. Stores nothing. Raises NotAnswering."""
    health = await asyncio.to_thread(_try_web, settings)
    return [await _try_cameras(settings), health]


async def _try_cameras(settings: ServerSettings) -> str:
    """A camera's handshake, and a ping that is answered."""
    scheme = "ws" if settings.tls_cert is None else "wss"
    place = _place(settings.host, settings.port)
    url = f"{scheme}://{place}/"
    try:
        async with connect(
            url, ssl=_trusting(scheme), proxy=None, open_timeout=PATIENCE_S, compression=None
        ) as line:
            await asyncio.wait_for(await line.ping(), PATIENCE_S)
    except InvalidStatus as error:
        status = error.response.status_code
        if status == http.client.UNAUTHORIZED:
            return f"SUCCESS {url} answers, and wants a token from this machine too"
        raise NotAnswering(f"{url} answered HTTP {status}: see SERVER_LOG_FILE") from error
    except ssl.SSLError as error:
        if settings.tls_client_ca is not None and "ertificate" in str(error):
            return f"SUCCESS {url} answers, and wants a certificate from this machine too"
        raise NotAnswering(f"{url}: TLS failed ({error}): see SERVER_TLS_CERT") from error
    except (OSError, InvalidHandshake, WebSocketException) as error:
        raise NotAnswering(
            f"{url} does not take cameras ({error}): is the server running? See SERVER_LOG_FILE"
        ) from error
    return f"SUCCESS {url} takes cameras"


def _try_web(settings: ServerSettings) -> str:
    """GET /health, which looks at the database too."""
    is_encrypted = settings.tls_cert is not None and not is_loopback(settings.web_host)
    place = _place(settings.web_host, settings.web_port)
    url = f"{'https' if is_encrypted else 'http'}://{place}/health"
    connection = (
        http.client.HTTPSConnection(place, timeout=PATIENCE_S, context=_trusting("wss"))
        if is_encrypted
        else http.client.HTTPConnection(place, timeout=PATIENCE_S)
    )
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        said = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotAnswering(f"{url} does not answer ({error}): is the server running?") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise NotAnswering(f"{url}: {said.get('reason', answer.status)}")
    if "rows_received" not in said:
        return f"SUCCESS {url} answers; how many rows were received is for who signs in"
    return f"SUCCESS {url}: {said['rows_received']} rows received"


def _trusting(scheme: str) -> ssl.SSLContext | None:
    """Its certificate names the address that cameras use, which need not be this one."""
    if scheme == "ws":
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _place(host: str, port: int) -> str:
    host = _ANY.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
