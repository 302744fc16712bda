"""What a store of pictures raises where it cannot be used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from server.errors import StorageUnavailable
from wire.errors import ErrorCode


@contextlib.contextmanager
def picture_errors(place: object, *kinds: type[Exception]) -> Iterator[None]:
    """Turns errors of these kinds into StorageUnavailable that names the place, with the first line
    of what was said: some libraries add an account of themselves."""
    try:
        yield
    except kinds as error:
        said = str(error).strip().partition("\n")[0]
        raise StorageUnavailable(
            ErrorCode.STORAGE_FAILED,
            f"pictures cannot be kept in {place}: {said}",
            retry_after_s=5.0,
        ) from error
