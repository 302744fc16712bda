"""Opens the store of pictures that an address names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from server.errors import StartRefused, StorageUnavailable
from server.storage.picture_stores.contract import PictureStore
from server.storage.picture_stores.daily import DailyPictures
from server.storage.picture_stores.folder import FolderPictures

if TYPE_CHECKING:
    from obstore.store import S3Config

_REQUEST_TIMEOUT: Final = timedelta(seconds=10)
_RETRIES: Final = 1
_RETRY_TIMEOUT: Final = timedelta(seconds=15)
"""A group of rows waits for its pictures, and cameras hang up after 30 s without an answer: with
its second attempt no request takes longer than about 20 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """How the service is reached. What is empty, the machine tells: environment or role."""

    endpoint: str = ""
    region: str = ""
    key_id: str = ""
    secret: str = field(default="", repr=False)

    def as_options(self) -> S3Config:
        options: S3Config = {}
        if self.endpoint:
            options["endpoint"] = self.endpoint
        if self.region:
            options["region"] = self.region
        if self.key_id:
            options["access_key_id"] = self.key_id
            options["secret_access_key"] = self.secret
        return options


def open_pictures(address: str, *, daily_folder: Path, access: S3Access) -> PictureStore:
    """The store at s3://BUCKET/PREFIX or file:///FOLDER; one SQLite file a day in `daily_folder`
    where the address is empty. Blocks. Raises StartRefused where it cannot be used."""
    if not address:
        return DailyPictures(daily_folder)
    if address.startswith("file:"):
        store: PictureStore = FolderPictures(Path(unquote(urlsplit(address).path)))
    else:
        store = _s3(address, access)
    try:
        store.days()
    except StorageUnavailable as error:
        raise StartRefused(
            f"{error}; look at SERVER_IMAGE_STORE and the SERVER_IMAGE_STORE_* beside it"
        ) from error
    return store


def _s3(address: str, access: S3Access) -> PictureStore:
    # most servers have no use for these
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    from server.storage.picture_stores.objects import ObjectPictures

    try:
        store = S3Store.from_url(
            address,
            config=access.as_options(),
            client_options={
                "allow_http": access.endpoint.startswith("http://"),
                "timeout": _REQUEST_TIMEOUT,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_TIMEOUT},
        )
    except (BaseError, ValueError) as error:
        raise StartRefused(f"SERVER_IMAGE_STORE={address}: {error}") from error
    return ObjectPictures(store, address)
