"""A service that speaks S3, for the whole run, and a store of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from obstore.store import MemoryStore

from server.storage.picture_stores.contract import PictureStore
from server.storage.picture_stores.objects import ObjectPictures
from server.storage.picture_stores.opening import S3Access, open_pictures


@dataclass(frozen=True, slots=True)
class Service:
    endpoint: str

    @property
    def access(self) -> S3Access:
        return S3Access(endpoint=self.endpoint, region="us-east-1", key_id="key", secret="secret")

    def new_bucket(self) -> str:
        name = f"bucket-{uuid4().hex[:12]}"
        httpx.put(f"{self.endpoint}/{name}").raise_for_status()
        return name

    def delete_bucket(self, name: str) -> None:
        httpx.delete(f"{self.endpoint}/{name}").raise_for_status()


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Service(f"http://{host}:{port}")
    finally:
        server.stop()


@pytest.fixture(params=["daily", "folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PictureStore]:
    opened: PictureStore
    match request.param:
        case "memory":
            opened = ObjectPictures(MemoryStore(), "memory")
        case "s3":
            service = request.getfixturevalue("service")
            address = f"s3://{service.new_bucket()}/pictures"
            opened = open_pictures(address, daily_folder=tmp_path, access=service.access)
        case kind:
            address = "" if kind == "daily" else f"file://{tmp_path}/some%20folder"
            opened = open_pictures(address, daily_folder=tmp_path / "daily", access=S3Access())
    yield opened
    opened.close()
