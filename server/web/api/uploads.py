"""Pictures that come as files of a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Form, UploadFile

from server.errors import QuestionInvalid
from server.faces.contract import Upload
from server.web.api.wanted import Wanted

_LONGEST_NAME = 80


class PictureWanted(Wanted):
    """A form with one picture."""

    file: UploadFile


class TwoPicturesWanted(PictureWanted):
    """A form with two pictures."""

    other: UploadFile


Picture = Annotated[PictureWanted, Form(media_type="multipart/form-data")]
TwoPictures = Annotated[TwoPicturesWanted, Form(media_type="multipart/form-data")]


async def upload_of(file: UploadFile) -> Upload:
    """The whole file; the gate has bounded its size."""
    return Upload(name=_name(file), content=await file.read())


async def uploads_of(*fields: UploadFile | Sequence[UploadFile] | None) -> list[Upload]:
    """The files of several fields together. Raises QuestionInvalid where there is none."""
    files: list[UploadFile] = []
    for field in fields:
        if field is None:
            continue
        files += [field] if isinstance(field, UploadFile) else list(field)
    if not files:
        raise QuestionInvalid("file: expected one or more pictures, got none")
    return [await upload_of(file) for file in files]


def _name(file: UploadFile) -> str:
    """For messages: what the sender calls it, made harmless."""
    shown = "".join(each for each in file.filename or "" if each.isprintable())
    return shown[:_LONGEST_NAME] or "picture"
