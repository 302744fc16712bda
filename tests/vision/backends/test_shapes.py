"""Which session serves an input of which shape."""

from __future__ import annotations

from vision.backends.shapes import SessionsByShape

SMALL, LARGE, WIDE = (1, 3, 8, 8), (1, 3, 16, 16), (1, 3, 8, 16)


def sessions(most: int) -> tuple[SessionsByShape[str], list[str]]:
    """The first is called "first"; the list has those that were loaded since."""
    loaded: list[str] = []

    def load() -> str:
        loaded.append(f"loaded {len(loaded)}")
        return loaded[-1]

    return SessionsByShape("first", load, most=most), loaded


def test_each_shape_keeps_its_own_session() -> None:
    kept, loaded = sessions(most=2)
    assert [kept.of(shape) for shape in (SMALL, LARGE, SMALL, LARGE)] == [
        *("first", "loaded 0"),
        *("first", "loaded 0"),
    ]
    assert len(loaded) == 1


def test_one_shape_too_many_takes_over_the_session_unused_the_longest() -> None:
    kept, loaded = sessions(most=2)
    for shape in (SMALL, LARGE, SMALL):
        kept.of(shape)
    assert kept.of(WIDE) == "loaded 0"
    assert kept.of(SMALL) == "first"
    assert kept.of(LARGE) == "loaded 0"
    assert len(loaded) == 1


def test_where_one_serves_all_none_is_loaded() -> None:
    kept, loaded = sessions(most=1)
    assert {kept.of(shape) for shape in (SMALL, LARGE, SMALL)} == {"first"}
    assert not loaded
