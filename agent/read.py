"""`agent read`: plates and faces in pictures and clips, printed. Touches no database."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.percent import percent
from vision.clips import CLIP_SUFFIXES, count_sampled, sampled_pictures
from vision.errors import BadPicture
from vision.pictures import PICTURE_SUFFIXES, load_picture
from vision.plates.thai import parse_registration
from vision.reading import FaceDetection, FaceDetector, Picture, PlateReader, PlateReading

CLIP_PICTURES_PER_SECOND = 2.0

EXIT_READ, EXIT_SOME_FAILED = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """What one picture shows; `at_s` is its place in a clip, None for a picture of its own."""

    file: Path
    plates: tuple[PlateReading, ...]
    faces: tuple[FaceDetection, ...]
    ms: float
    at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFailure:
    """A file that could not be read, and why."""

    file: Path
    error: str


def read_paths(
    paths: Sequence[Path],
    *,
    plate_reader: PlateReader,
    face_detector: FaceDetector,
    as_json: bool,
    out: TextIO,
) -> int:
    """Read every picture and clip of `paths` and write a line for each picture to `out`.

    Folders are read recursively; files in them that are neither picture nor clip are skipped. Of
    clips two pictures a second are read. A file that cannot be read gets a line saying so and the
    run goes on; the exit code is then 1, otherwise 0. Raises `ModelFailed` when nothing can be
    read at all. Progress goes to standard error while that is a terminal and `out` is none.
    """
    files = list(expand(paths))
    shown = [file for file in files if isinstance(file, Path)]
    width = max((len(_name(file, paths)) for file in shown), default=0)
    failed = False
    with _progress(out) as progress:
        task = progress.add_task("reading", total=_expected(shown) if not progress.disable else 1)
        for result in read_files(files, plate_reader, face_detector):
            failed = failed or isinstance(result, FileFailure)
            line = (
                json_line(result)
                if as_json
                else _text_line(result, _name(result.file, paths), width)
            )
            _write(out, line)
            progress.advance(task)
    return EXIT_SOME_FAILED if failed else EXIT_READ


def expand(paths: Sequence[Path]) -> Iterator[Path | FileFailure]:
    """The files to read, in order; what was named and cannot be read at all as a failure."""
    for path in paths:
        if path.is_dir():
            found = [file for file in sorted(path.rglob("*")) if _is_readable(file)]
            if found:
                yield from found
            else:
                yield FileFailure(file=path, error=f"{path}: no picture or clip in this folder")
        elif path.is_file():
            yield path
        elif path.exists():
            yield FileFailure(
                file=path, error=f"{path}: not a regular file; give a picture, a clip or a folder"
            )
        else:
            yield FileFailure(file=path, error=f"{path}: there is no such file or folder")


def read_files(
    files: Sequence[Path | FileFailure], plate_reader: PlateReader, face_detector: FaceDetector
) -> Iterator[FileReading | FileFailure]:
    """One reading for each picture, several for a clip; a failure in the place of a bad file."""
    for file in files:
        if isinstance(file, FileFailure):
            yield file
            continue
        try:
            if file.suffix.lower() in CLIP_SUFFIXES:
                sampled = sampled_pictures(file, per_second=CLIP_PICTURES_PER_SECOND)
                for at_s, picture in sampled:
                    yield _look(file, picture, at_s, plate_reader, face_detector)
            else:
                yield _look(file, load_picture(file), None, plate_reader, face_detector)
        except BadPicture as error:
            yield FileFailure(file=file, error=str(error))


def _look(
    file: Path,
    picture: Picture,
    at_s: float | None,
    plate_reader: PlateReader,
    face_detector: FaceDetector,
) -> FileReading:
    started = time.perf_counter()
    plates = plate_reader.read(picture).plates
    faces = face_detector.detect(picture)
    ms = (time.perf_counter() - started) * 1000
    return FileReading(file=file, plates=plates, faces=faces, ms=ms, at_s=at_s)


def _is_readable(file: Path) -> bool:
    is_known = file.suffix.lower() in PICTURE_SUFFIXES | CLIP_SUFFIXES
    return is_known and not file.name.startswith(".") and file.is_file()


def _expected(files: Sequence[Path]) -> int:
    """Pictures that the files will give, about."""
    return sum(
        count_sampled(file, per_second=CLIP_PICTURES_PER_SECOND)
        if file.suffix.lower() in CLIP_SUFFIXES
        else 1
        for file in files
    )


def _progress(out: TextIO) -> Progress:
    """A bar on standard error; none where the lines themselves appear on a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not sys.stderr.isatty() or out.isatty(),
    )


def _write(out: TextIO, line: str) -> None:
    """Write the line and its end, whatever characters `out` or a file's name are made of.

    A character that the terminal's encoding lacks, or a byte of a name that is no UTF-8, appears
    as an escape such as `\\udcff`.
    """
    encoding = out.encoding or "utf-8"
    out.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    out.flush()


def json_line(result: FileReading | FileFailure) -> str:
    """The line of `--json`. ASCII only (JSON escapes the rest): the same bytes everywhere."""
    record: dict[str, Any] = {"file": _as_unicode(str(result.file))}
    if isinstance(result, FileFailure):
        record |= {"error": _as_unicode(result.error), "plates": [], "faces": [], "ms": 0}
        return json.dumps(record)
    if result.at_s is not None:
        record["at_s"] = round(result.at_s, 3)
    record["plates"] = [
        {
            "text": plate.text,
            "confidence": round(plate.confidence, 4),
            "box": list(plate.box.as_xywh()),
            "region": plate.region,
            "region_certainty": None
            if plate.region_certainty is None
            else round(plate.region_certainty, 3),
            "partial": plate.is_partial,
            "province": plate.province,
        }
        for plate in result.plates
    ]
    record["faces"] = [
        {
            "confidence": round(face.confidence, 4),
            "box": list(face.box.as_xywh()),
            "landmarks": None
            if face.landmarks is None
            else [[round(x, 1), round(y, 1)] for x, y in face.landmarks],
        }
        for face in result.faces
    ]
    record["ms"] = round(result.ms, 1)
    return json.dumps(record)


def _as_unicode(text: str) -> str:
    """Bytes of a file's name that are no UTF-8 become U+FFFD: readers of JSON refuse them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _text_line(result: FileReading | FileFailure, name: str, width: int) -> str:
    if isinstance(result, FileFailure):
        return f"{name:<{width}}  ERROR  {result.error}"
    at = "" if result.at_s is None else f"{result.at_s:8.1f} s"
    plates = "  ".join(map(plate_words, result.plates)) or "no plate"
    faces = f"{len(result.faces)} face{'' if len(result.faces) == 1 else 's'}"
    return f"{name:<{width}}{at}  {plates:<20}  {faces:<8}  {result.ms:5.0f} ms"


def plate_words(plate: PlateReading) -> str:
    """`RK755AJ 97% eu`; a region that is a guess comes with its certainty, what is missing of a
    plate as a dot."""
    thai = parse_registration(plate.text)
    text = ("." if plate.is_partial else "") + (plate.text if thai is None else thai.printed)
    words = [text, plate.province, f"{percent(plate.confidence)}", plate.region]
    if plate.region is not None and plate.region_certainty not in (None, 1.0):
        words.append(f"({percent(plate.region_certainty)})")
    return " ".join(word for word in words if word)


def _name(file: Path, paths: Sequence[Path]) -> str:
    """The file as people know it: below the one folder that was named, or as given."""
    if len(paths) == 1 and paths[0].is_dir() and file != paths[0]:
        return os.path.relpath(file, paths[0])
    return str(file)
