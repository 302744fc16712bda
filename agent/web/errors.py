"""What can go wrong while somebody looks: questions that cannot be answered."""

from __future__ import annotations

from agent.errors import AgentError


class PageError(AgentError):
    """The root of this package's errors; each is told to whoever asked."""


class QuestionInvalid(PageError):
    """A parameter is not what the question takes: answered 400."""


class QuestionFailed(PageError):
    """The database did not answer, or not in time: answered 503."""


class NotThere(PageError):
    """There is no such row or picture: answered 404."""


class SourceEnded(PageError):
    """A clip or folder that was played to its end is not begun again: answered 409."""


class TooManyViewers(PageError):
    """As many watch as this device can serve: answered 503."""


class PasswordUnusable(PageError):
    """A password that is too short, or a file of it that cannot be read or written."""
