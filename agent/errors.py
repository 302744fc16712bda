"""What can go wrong in the agent beside its camera: our own failures apart from the peer's.

A message says what happened, the value seen, what was expected and what to do next.
"""

from __future__ import annotations


class AgentError(Exception):
    """The root: catch this to catch everything that the agent raises on purpose."""


class OutboxError(AgentError):
    """The database or the pictures on this device."""


class DatabaseUnusable(OutboxError):
    """The database cannot be opened, adopted or migrated: nothing was changed in it."""


class DatabaseCorrupt(OutboxError):
    """The database was found damaged: it is set aside when it is opened the next time."""


class RecordingFailed(OutboxError):
    """A row could not be made durable; nothing of it is in the database."""


class PictureNotWritten(OutboxError):
    """A picture could not be encoded or written; its row can do without."""


class OutboxClosed(OutboxError):
    """Our own code used the outbox after closing it."""


class FrameNotRead(AgentError):
    """The pipeline hung or broke on a frame: what that frame showed is lost, the next may do."""


class AgentAlreadyRunning(AgentError):
    """Another process watches into this database; two would store every passage twice."""


class WatchlistUnreadable(AgentError):
    """The list of plates that stay visible cannot be read: all would be blurred, silently."""


class UplinkError(AgentError):
    """The way to the server."""


class SenderAlreadyRunning(UplinkError):
    """Another process sends from this database; two would send rows twice."""


class AddressRefused(UplinkError):
    """The server's address may not be used as it is configured: no use to retry."""


class TuningInvalid(AgentError):
    """What an operator wants to set is not what the setting takes; nothing was changed."""


class TuningNotKept(AgentError):
    """What an operator set cannot be written down; nothing was changed."""
