"""What can go wrong with a frame source: ours, the device's, or the address we were given."""

from __future__ import annotations


class SourceError(Exception):
    """Anything a frame source raises."""


class SourceUnknown(SourceError):
    """The address names no source we know: a mistake in the configuration, no use to retry."""


class SourceFailed(SourceError):
    """The source could not be opened or broke: opening it again may help."""


class SourceTimedOut(SourceFailed):
    """No frame came in time; the source may hang and should be closed and opened again."""
