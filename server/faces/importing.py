"""Takes over people from the older face service: `class_info.csv` and a folder of pictures each.

Their vectors belong to another model and cannot be used: every picture is looked into again. What
was taken over already is passed over, so that an import may be run again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from server.errors import NotThere, QuestionInvalid
from server.faces import person_rows
from server.faces.calibration import calibration_of
from server.faces.choosing import new_picture
from server.faces.claiming import claim
from server.faces.contract import PersonDetails, Refusal, Upload
from server.faces.gallery import Gallery
from server.faces.keeping import Enrolled, ModelKey, NewPicture
from server.faces.ledger import Ledger
from server.faces.looking import Seen
from server.faces.retention import checked
from server.row_id import is_id
from vision.pictures import PICTURE_SUFFIXES

INFO: Final = "class_info.csv"
COLUMNS: Final = ("class_id", "ten", "tuoi", "gioitinh", "noio")
SOURCE: Final = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassInfo:
    """A line of `class_info.csv`; `line` counts from 1, the heading included."""

    line: int
    class_id: int
    details: PersonDetails


@dataclass(slots=True)
class ImportReport:
    """What became of everything; `refused` names a line or a file and why."""

    persons: int = 0
    pictures: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """`look` looks into a picture; `progress` is told the name of each file that is done."""

    gallery: Gallery
    model: ModelKey
    look: Callable[[Upload], Seen]
    keep_days: Mapping[str, int]
    progress: Callable[[str], None]

    def run(self, folder: Path, *, purpose: str, consent: str, now: datetime) -> ImportReport:
        """Takes a folder over. Raises QuestionInvalid where it is none of the kind."""
        report = ImportReport()
        lines, refused = read_class_info(folder, purpose=purpose, consent=consent)
        report.refused += refused
        for line in lines:
            self._take_over(folder, line, report, now)
        for stray in _strays(folder, lines):
            report.refused.append(
                Refusal(name=stray.name, reason=f"{INFO} has no line for this folder")
            )
        return report

    def _take_over(
        self, folder: Path, line: ClassInfo, report: ImportReport, now: datetime
    ) -> None:
        name = f"{INFO} line {line.line}"
        try:
            details = checked(line.details, now=now, keep_days=self.keep_days)
            held = self._held(line.class_id)
        except QuestionInvalid as error:
            report.refused.append(Refusal(name=name, reason=str(error)))
            return
        if held is not None and held != details.name:
            reason = f"number {line.class_id} is {held}'s here, not {details.name}'s"
            report.refused.append(Refusal(name=name, reason=reason))
            return
        pictures = list(self._good(folder, line, report))
        if held is None and not pictures:
            report.refused.append(Refusal(name=name, reason="not one picture can be enrolled"))
            return

        def work(book: Ledger) -> Enrolled:
            if held is None:
                book.add_person(details, now, class_id=line.class_id)
            return book.enrol(line.class_id, pictures, now)

        done = self.gallery.change(work)
        claim(self.gallery, line.class_id, self.model, calibration_of(self.model.version))
        report.persons += held is None
        report.pictures += len(done.added)
        report.known += len(done.known)

    def _held(self, class_id: int) -> str | None:
        """The name of who has that number."""
        try:
            person = self.gallery.read(lambda rows: person_rows.find(rows, class_id))
        except NotThere:
            return None
        return person.details.name

    def _good(self, folder: Path, line: ClassInfo, report: ImportReport) -> Iterator[NewPicture]:
        for path in _pictures(folder, line):
            name = str(path.relative_to(folder))
            try:
                upload = Upload(name=name, content=path.read_bytes())
                yield new_picture(self.look(upload), upload, SOURCE)
            except (QuestionInvalid, OSError) as error:
                reason = str(error).removeprefix(f"{name}: ")
                report.refused.append(Refusal(name=name, reason=reason))
            self.progress(name)


def read_class_info(
    folder: Path, *, purpose: str, consent: str
) -> tuple[list[ClassInfo], list[Refusal]]:
    """The lines that can be used, and why the others cannot. Raises QuestionInvalid."""
    try:
        text = (folder / INFO).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionInvalid(
            f"{folder / INFO} cannot be read ({error}); expected a folder with a {INFO} in UTF-8 "
            "and a folder of pictures for each class"
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in ("class_id", "ten") if name not in (reader.fieldnames or ())]
    if missing:
        raise QuestionInvalid(
            f"{folder / INFO} has no column {', '.join(missing)}; expected {', '.join(COLUMNS)}"
        )
    lines: list[ClassInfo] = []
    refused: list[Refusal] = []
    for row in reader:
        try:
            lines.append(_line(row, reader.line_num, purpose=purpose, consent=consent))
        except ValueError as error:
            refused.append(Refusal(name=f"{INFO} line {reader.line_num}", reason=str(error)))
    return lines, refused


def _line(row: Mapping[str, str | None], line: int, *, purpose: str, consent: str) -> ClassInfo:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if not values["class_id"].isdecimal() or not is_id(int(values["class_id"])):
        raise ValueError(f"class_id={values['class_id']!r}: expected a number above 0")
    age = values["tuoi"]
    if age and not age.isdecimal():
        raise ValueError(f"tuoi={age!r}: expected years, or nothing")
    return ClassInfo(
        line=line,
        class_id=int(values["class_id"]),
        details=PersonDetails(
            name=values["ten"],
            age=int(age) if age else None,
            gender=values["gioitinh"],
            place=values["noio"],
            purpose=purpose,
            consent=consent,
        ),
    )


def _folders(folder: Path, line: ClassInfo) -> tuple[Path, ...]:
    """Named by the number or by the name."""
    named = [str(line.class_id), line.details.name]
    return tuple(folder / name for name in named if name and "/" not in name and name != "..")


def _pictures(folder: Path, line: ClassInfo) -> list[Path]:
    return sorted(
        path
        for place in _folders(folder, line)
        if place.is_dir()
        for path in place.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()
    )


def _strays(folder: Path, lines: list[ClassInfo]) -> list[Path]:
    known = {place for line in lines for place in _folders(folder, line)}
    return sorted(path for path in folder.iterdir() if path.is_dir() and path not in known)
