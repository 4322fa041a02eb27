"""How pictures are read for a network that says what they show: kept in a run, so that new files are read alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl

from stepwell.data.captions import SIGNS
from stepwell.data.images.reader import FILE, ImageReader
from stepwell.data.pictures import SUFFIXES
from stepwell.data.reader import Reader, Reading

_CAPTION = "caption"


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptionReader(Reader):
    """How `pictures` are read, the `words` by number, and the `most` numbers that a caption has, its end included.

    `given` are file and caption of the rows that it was fitted to; they are not kept with a run.
    """

    kind: ClassVar[str] = "captions"
    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    pictures: ImageReader
    words: tuple[str, ...]
    most: int
    given: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def read(self, path: Path) -> Reading:
        """The pictures of a file, a folder, or a CSV file of paths, as `ImageReader.read` does; every one gets a caption."""
        return self.pictures.read(path)

    def answered(self, reading: Reading, answers: list[dict[str, Any]]) -> pl.DataFrame:
        """The rows with the column `predicted caption`."""
        texts = pl.Series(f"predicted {_CAPTION}", [answer[_CAPTION] for answer in answers], dtype=pl.String)
        return reading.rows.with_columns(texts)

    def row(self, number: int, *, whole: bool = False) -> dict[str, Any]:
        """The file of a row and its caption; nothing where they are not known any more."""
        return dict(zip((FILE, _CAPTION), self.given[number], strict=True)) if self.given else {}

    def facts(self) -> dict[str, Any]:
        """Pictures and captions as two columns, and what was noted of them."""
        (height, width), colours = self.pictures.size, "grey" if self.pictures.channels == 1 else "colour"
        known = f"{len(self.words) - len(SIGNS):,} words, at most {self.most - 1} a caption"
        columns = [
            {
                "column": FILE,
                "kind": "picture",
                "encoding": f"{colours}, {height}×{width} bytes",
                "why": "what is seen",
            },
            {"column": _CAPTION, "kind": "words", "encoding": known, "why": "counted on the training rows"},
        ]
        told = {"title": self.pictures.title, "notes": [*self.pictures.notes], "warnings": [*self.pictures.warnings]}
        return {"kind": self.kind, **told, "columns": columns}

    def to_json(self) -> dict[str, Any]:
        """All but the rows."""
        return {"pictures": self.pictures.to_json(), "words": list(self.words), "most": self.most}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        pictures = ImageReader.from_json(plain["pictures"])
        return cls(pictures=pictures, words=tuple(plain["words"]), most=plain["most"])
