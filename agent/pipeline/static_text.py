"""Text that belongs to the scene: signs, overlays, parked cars. Values only; runs on media time.

What stands in a quiet picture is learned by looking at all of it now and then, and is no plate that
passes, whatever shadow or light moves over it. Nothing is kept over a restart: half a second of
quiet relearns it, and a camera that was turned meanwhile has nothing wrong to forget.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from agent.pipeline.alignment import are_alike
from vision.geometry import Box
from vision.spelling import edit_distance

_LEAST_CHARACTERS = 3
_LEAST_CLOCK_DIGITS = 6
"""Those of hours, minutes and seconds. Fewer differ as well between vehicles of one fleet, or with
the same letters unread, that stand in the same place one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticTextSettings:
    """The whole picture is looked at once nothing has moved for `calm_s`, again after `confirm_s`,
    and then after twice as long each time, up to `again_s`.

    Where there is no calm for `at_latest_s`, it is looked at all the same, and what stands there
    counts when it is found again `doubt_s` later or in calm: a vehicle that waits so long has been
    reported. Of what has been there for `doubt_s`, a third of the characters may be read otherwise,
    else one. Forgotten are texts in whose place more calm looks in a row found nothing than ever
    found them (a vehicle stood there, and may come back to the same place), texts unseen for
    `forget_s`, and the oldest of more than `kept`. A look says nothing of texts that were only
    found where the picture was brighter than it is by more than `darker`: by night a sign that no
    lamp reaches is there and cannot be read.
    """

    calm_s: float = 0.5
    confirm_s: float = 5.0
    again_s: float = 600.0
    at_latest_s: float = 300.0
    doubt_s: float = 60.0
    forget_s: float = 86_400.0
    kept: int = 64
    darker: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """`is_clock`: it was seen with other digits. `looks` found it; `misses` calm ones since the
    last of them found no text in its place. `darkest` is the brightness of the darkest picture in
    which it was found."""

    text: str
    box: Box
    first_seen_s: float
    last_seen_s: float
    is_trusted: bool
    darkest: float
    is_clock: bool = False
    looks: int = 1
    misses: int = 0


class StaticTexts:
    """Says when to look, takes in what was seen, and knows it again."""

    def __init__(self, settings: StaticTextSettings) -> None:
        self._settings = settings
        self._known: list[_Known] = []
        self._calm_since_s: float | None = None
        self._looked_s: float | None = None
        self._began_s: float | None = None
        self._wait_s = settings.confirm_s

    @property
    def texts(self) -> tuple[str, ...]:
        """Those that count, the one seen last at the end."""
        return tuple(known.text for known in self._known if known.is_trusted)

    def is_due(self, now_s: float, *, is_calm: bool) -> bool:
        """Whether to look at the whole picture now; to be asked in every frame."""
        if self._began_s is None:
            self._began_s = now_s
        if not is_calm:
            self._calm_since_s = None
            last_s = self._began_s if self._looked_s is None else self._looked_s
            return now_s - last_s >= self._settings.at_latest_s
        if self._calm_since_s is None:
            self._calm_since_s = now_s
        if now_s - self._calm_since_s < self._settings.calm_s:
            return False
        return self._looked_s is None or now_s - self._looked_s >= self._wait_s

    def looked(self, now_s: float) -> None:
        """Note that the whole picture was looked at, whatever came of it."""
        if self._looked_s is not None:
            self._wait_s = min(2 * self._wait_s, self._settings.again_s)
        self._looked_s = now_s

    def learn(
        self,
        now_s: float,
        seen: Iterable[tuple[str, Box]],
        *,
        is_calm: bool,
        brightness: float,
    ) -> None:
        """Note the texts of a look at the whole picture, whose mean grey value is `brightness`."""
        self.looked(now_s)
        found = tuple(seen)
        if is_calm:
            self._miss([box for _, box in found], brightness)
        for raw_text, box in found:
            text = _plain(raw_text)
            if len(text) >= _LEAST_CHARACTERS:
                self._note(
                    _Known(
                        text=text,
                        box=box,
                        first_seen_s=now_s,
                        last_seen_s=now_s,
                        is_trusted=is_calm,
                        darkest=brightness,
                    )
                )
        oldest_s = now_s - self._settings.forget_s
        alive = [known for known in self._known if known.last_seen_s >= oldest_s]
        self._known = alive[-self._settings.kept :]

    def holds(self, text: str, box: Box) -> bool:
        """Whether that text stands at that place in every picture."""
        plain = _plain(text)
        return any(
            known.is_trusted and _is_there(known.box, box) and self._says(known, plain)
            for known in self._known
        )

    def _miss(self, places: Sequence[Box], brightness: float) -> None:
        """Count a calm look against what it should have found; let go what has gone."""
        kept = list[_Known]()
        for known in self._known:
            is_found = any(_is_there(known.box, box) for box in places)
            is_too_dark = brightness * self._settings.darker < known.darkest
            misses = known.misses if is_too_dark else known.misses + 1
            missed = replace(known, misses=0 if is_found else misses)
            if missed.misses <= missed.looks:
                kept.append(missed)
        self._known = kept

    def _note(self, new: _Known) -> None:
        for known in self._known:
            is_clock = new.text != known.text and _may_be_clocks(new.text, known.text)
            if _is_there(known.box, new.box) and (is_clock or self._says(known, new.text)):
                self._known.remove(known)
                has_stayed = new.last_seen_s - known.first_seen_s >= self._settings.doubt_s
                new = replace(
                    new,
                    first_seen_s=known.first_seen_s,
                    is_trusted=new.is_trusted or known.is_trusted or has_stayed,
                    darkest=min(new.darkest, known.darkest),
                    is_clock=is_clock or known.is_clock,
                    looks=known.looks + 1,
                )
                break
        self._known.append(new)

    def _says(self, known: _Known, text: str) -> bool:
        if edit_distance(known.text, text) <= 1 or text in known.text:
            return True
        if known.is_clock and _masked(text) in _masked(known.text):
            return True
        has_stayed = known.last_seen_s - known.first_seen_s >= self._settings.doubt_s
        return has_stayed and are_alike(known.text, text)


def _plain(text: str) -> str:
    return "".join(character for character in text.upper() if character.isalnum())


def _masked(text: str) -> str:
    """The text with every digit alike."""
    return "".join("0" if character.isdigit() else character for character in text)


def _may_be_clocks(text: str, other: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    return digits >= _LEAST_CLOCK_DIGITS and _masked(text) == _masked(other)


def _is_there(known: Box, box: Box) -> bool:
    """Whether a text's middle lies on the known one, and it is about as high."""
    x, y = box.center
    place = known.grown(known.height / 2, known.height / 2)
    is_on_it = place.x1 <= x <= place.x2 and place.y1 <= y <= place.y2
    return is_on_it and 0.5 * known.height <= box.height <= 2.0 * known.height
