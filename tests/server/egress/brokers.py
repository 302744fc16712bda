"""A real MQTT broker on this machine: Mosquitto, on a free port, with a password or TLS."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import pytest

USER, PASSWORD = "sightpost", "p@ss/word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mosquitto:
    """`certificate` None: not encrypted."""

    port: int
    certificate: Path | None

    @property
    def url(self) -> str:
        """With the password, as an address has it."""
        scheme = "mqtt" if self.certificate is None else "mqtts"
        return f"{scheme}://{USER}:p%40ss%2Fword@127.0.0.1:{self.port}"

    def client(self) -> aiomqtt.Client:
        """Somebody who listens."""
        return aiomqtt.Client(
            "127.0.0.1",
            self.port,
            username=USER,
            password=PASSWORD,
            tls_params=None
            if self.certificate is None
            else aiomqtt.TLSParameters(ca_certs=str(self.certificate)),
        )


@contextlib.asynccontextmanager
async def mosquitto(
    folder: Path, certificate: Path | None = None, *, most_bytes: int | None = None
) -> AsyncIterator[Mosquitto]:
    """Skips the test where the package is missing. What it keeps lies in `folder`. `most_bytes` in
    a packet: at a longer one it breaks the line; None: it takes all."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    maker = shutil.which("mosquitto_passwd")
    if program is None or maker is None:
        pytest.skip("Debian's package mosquitto is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = await asyncio.to_thread(_configured, folder, maker, port, certificate, most_bytes)
    running = await asyncio.create_subprocess_exec(
        program, "-c", config, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await _until_it_listens(port)
        yield Mosquitto(port=port, certificate=certificate)
    finally:
        running.terminate()
        await running.wait()


def _configured(
    folder: Path, maker: str, port: int, certificate: Path | None, most_bytes: int | None
) -> Path:
    passwords, config = folder / "passwords", folder / "mosquitto.conf"
    subprocess.run([maker, "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True)
    lines = [
        f"user {getpass.getuser()}",  # where it is started by root it would become another
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {passwords}",
    ]
    if certificate is not None:
        lines += [f"certfile {certificate}", f"keyfile {certificate}"]
    if most_bytes is not None:
        lines.append(f"max_packet_size {most_bytes}")
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


async def _until_it_listens(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)
