"""What is asked for in a body, in JSON."""

from __future__ import annotations

from pydantic import BaseModel


class Wanted(BaseModel, extra="forbid"):
    """Of what has another name than these nothing would come, without a word: it is refused."""
