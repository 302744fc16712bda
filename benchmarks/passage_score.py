"""What the sightings of a run are worth against its truth: found, exact, twice, false. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agent.camera.synthetic.schedule import Passage
from vision.spelling import edit_distance

NEAR_EDITS = 2
"""A sighting at the right time whose text is so far off is its vehicle's, read wrongly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sighting; `frame` is the number of the frame that it shows."""

    plate: str
    frame: int
    direction: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Counts of passages (`found` of them at least once, `exact` with the right text, `turned`
    exact but with the wrong direction) and of sightings (`duplicated`: of a passage found already;
    `false`: of none). `wrong` names what was missed, misread, doubled or false."""

    passages: int = 0
    found: int = 0
    exact: int = 0
    turned: int = 0
    duplicated: int = 0
    false: int = 0
    wrong: tuple[str, ...] = ()

    def plus(self, other: Score) -> Score:
        return Score(
            passages=self.passages + other.passages,
            found=self.found + other.found,
            exact=self.exact + other.exact,
            turned=self.turned + other.turned,
            duplicated=self.duplicated + other.duplicated,
            false=self.false + other.false,
            wrong=(*self.wrong, *other.wrong),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expected:
    """One sighting that there should be: a passage, or several of a plate within the cooldown."""

    plate: str
    first_frame: int
    last_frame: int
    directions: frozenset[str]


def expected(truth: Sequence[Passage], *, cooldown_frames: float) -> list[_Expected]:
    """The sightings that a run should give: a vehicle that is back within the cooldown is none."""
    wanted: list[_Expected] = []
    for passage in truth:
        same = next((w for w in reversed(wanted) if w.plate == passage.plate), None)
        begin, directions = passage.first_frame, {passage.direction}
        if same is not None and passage.first_frame - same.last_frame <= cooldown_frames:
            wanted.remove(same)
            begin, directions = same.first_frame, {*same.directions, passage.direction}
        wanted.append(
            _Expected(
                plate=passage.plate,
                first_frame=begin,
                last_frame=passage.last_frame,
                directions=frozenset(directions),
            )
        )
    return wanted


def score(
    truth: Sequence[Passage],
    sightings: Sequence[Seen],
    *,
    cooldown_frames: float,
    once: Collection[str] = (),
) -> Score:
    """`once` are plates that stand in the scene: each may be reported once."""
    wanted = expected(truth, cooldown_frames=cooldown_frames)
    taken: dict[int, Seen] = {}
    duplicated, false, wrong = 0, 0, list[str]()
    allowed = set(once)
    for seen in sorted(sightings, key=lambda s: s.frame):
        free = _best(seen, wanted, [i for i in range(len(wanted)) if i not in taken])
        if free is not None:
            taken[free] = seen
        elif _best(seen, wanted, range(len(wanted))) is not None:
            duplicated += 1
            wrong.append(f"{seen.plate} again at frame {seen.frame}")
        elif seen.plate in allowed:
            allowed.remove(seen.plate)
        else:
            false += 1
            wrong.append(f"{seen.plate} at frame {seen.frame} is false")
    for index, want in enumerate(wanted):
        if index not in taken:
            wrong.append(f"{want.plate} at frame {want.first_frame} missed")
        elif taken[index].plate != want.plate:
            wrong.append(f"{want.plate} read {taken[index].plate}")
    exact = [i for i, seen in taken.items() if seen.plate == wanted[i].plate]
    return Score(
        passages=len(wanted),
        found=len(taken),
        exact=len(exact),
        turned=sum(taken[i].direction not in wanted[i].directions for i in exact),
        duplicated=duplicated,
        false=false,
        wrong=tuple(wrong),
    )


def _best(seen: Seen, wanted: Sequence[_Expected], among: Collection[int]) -> int | None:
    """The one that was in the picture at that frame and has the most similar text."""
    near = [
        (edit_distance(seen.plate, wanted[i].plate), i)
        for i in among
        if wanted[i].first_frame - 1 <= seen.frame <= wanted[i].last_frame + 1
    ]
    edits, index = min(near, default=(NEAR_EDITS + 1, -1))
    return index if edits <= NEAR_EDITS else None
