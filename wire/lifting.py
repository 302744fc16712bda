"""Takes large pictures out of a frame before its JSON is read, and puts them back as bytes.

A JSON codec looks at every byte of a string, which a search for its end does not: of a frame with
a picture this is most of the work. Whatever is unusual is left to the codec, and nothing that it
would refuse gets past it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from wire.base64_text import PictureBytes, decode_hook, decode_strictly

_KEY: Final = '"image":"'
_BEFORE_KEY: Final = "{,"
_LARGE_CHARACTERS: Final = 4_096
_TOKEN: Final = "picture taken out, number "  # noqa: S105 (it stands for a picture, it opens nothing)
_ESCAPE: Final = "\\u"

Hook = Callable[[type, Any], Any]


class LiftedFrame:
    """A frame's text with a token for each picture, and the pictures themselves."""

    def __init__(self, text: str, pictures: dict[str, PictureBytes]) -> None:
        self.text = text
        self._pictures = pictures

    def put_back(self, kind: type, value: Any) -> Any:
        """The `dec_hook` of the decoder that reads `text`: a token becomes its picture."""
        picture = self._pictures.pop(value, None) if isinstance(value, str) else None
        return decode_hook(kind, value) if picture is None else picture

    @property
    def is_whole_again(self) -> bool:
        """Whether each picture was put back; otherwise one was taken from where none belongs."""
        return not self._pictures


def lift(text: str) -> LiftedFrame | None:
    """The frame without its large pictures; None where it has none that can be taken out."""
    pieces: list[str] = []
    pictures: dict[str, PictureBytes] = {}
    done = 0
    at = text.find(_KEY)
    while at > 0:
        # In valid JSON these characters, behind a brace or comma, are a key: within a string
        # their first quote would have a backslash before it.
        start = at + len(_KEY)
        end = text.find('"', start)
        if end - start >= _LARGE_CHARACTERS and text[at - 1] in _BEFORE_KEY:
            try:
                picture = PictureBytes(decode_strictly(text[start:end]))
            except ValueError:
                return None
            token = f"{_TOKEN}{len(pictures)}"
            pictures[token] = picture
            pieces += (text[done:start], token)
            done = end
        at = text.find(_KEY, max(end, start))
    if not pictures:
        return None
    pieces.append(text[done:])
    if any(_TOKEN in piece or _ESCAPE in piece for piece in pieces[::2]):
        return None  # a text that is, or by its escapes may be, one of our tokens
    return LiftedFrame("".join(pieces), pictures)
