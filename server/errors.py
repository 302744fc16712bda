"""What can go wrong in the server, each error saying what to do about it."""

from __future__ import annotations

from wire.errors import ErrorCode


class ServerError(Exception):
    """Base of all errors of this package."""


class ConfigInvalid(ServerError):
    """A setting is wrong; the text names key, value, expectation and the line to write instead."""


class StartRefused(ServerError):
    """The server will not start as things are: port taken, database in use or not ours, exposed."""


class TokenRefused(ServerError):
    """A token of that name cannot be made or revoked."""


class AccountRefused(ServerError):
    """Something about accounts cannot be done as asked; the text says what to do instead."""


class TooBusy(ServerError):
    """Too much of this is under way already; the same may be asked again in a moment."""


class QueueFull(TooBusy):
    """As much of this waits as may; `retry_after_s` guesses when there is room again."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class FacesUnavailable(ServerError):
    """No face can be looked for as things are; the text says what is missing and how to get it."""


class PictureLocked(FacesUnavailable):
    """An enrolment picture cannot be decrypted; the text says with which key it was encrypted."""


class MoveFailed(ServerError):
    """Rows that were moved to another database are not all there as they were."""


class PruneRefused(ServerError):
    """Old rows cannot be given up as asked."""


class QuestionInvalid(ServerError):
    """Asked wrongly; the text names what was asked, what was expected and what to write."""


class NotThere(ServerError):
    """What was asked for does not exist, or not any more; the text says which and why."""


class TookTooLong(ServerError):
    """The answer did not come in time and was broken off; the text says how to ask for less."""


class StorageUnavailable(ServerError):
    """Nothing can be stored now; the same rows may be stored later.

    `code` is busy or storage_failed, `retry_after_s` a guess of when to try again.
    """

    def __init__(self, code: ErrorCode, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_s = retry_after_s


class GroupRefused(ServerError):
    """The database took exception to some row of the group; nothing of the group was stored."""
