"""The format of times that are texts."""

import polars as pl

_DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%Y%m%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S%.f", "T%H:%M", "T%H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p")
ZONED = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_SAMPLE = 1000
_WORDS = {"Y": "year", "m": "month", "b": "month", "d": "day", "H": "hour", "I": "hour", "M": "minute", "S": "second"}


def with_days(texts: pl.Series) -> pl.Series:
    """Months, such as 1949-01, as their first days; other texts as they are."""
    return texts + "-01" if _share(texts.head(_SAMPLE), "%Y-%m-%d", suffix="-01") == 1.0 else texts


def find_format(column: pl.Series) -> str:
    """The format that most texts have; of several, the one in which the times rise most evenly."""
    formats = [*(date + clock for date in _DATES for clock in _CLOCKS), *ZONED]
    shares = {text: _share(column.head(_SAMPLE), text) for text in formats}
    best = [text for text, share in shares.items() if share == max(shares.values())]
    if len(best) == 1 or not max(shares.values()):
        return best[0]
    return min(best, key=lambda text: _disorder(read_texts(column, text)))


def _disorder(times: pl.Series) -> tuple[int, bool, int]:
    """How little times are those of a series: missing ones, a fall, different distances. 1/2, 1/3 and 1/4 are days in
    January for those who write the month first, and for others the first of three months of unequal length.
    """
    known = times.drop_nulls()
    return times.null_count(), not known.is_sorted(), known.diff().n_unique()


def read_texts(column: pl.Series, text: str) -> pl.Series:
    """The texts as times without a zone, null where the format does not fit."""
    if text.endswith("%#z"):
        zoned = column.str.to_datetime(text, strict=False, time_unit="us", time_zone="UTC")
        return zoned.dt.replace_time_zone(None)
    return column.str.to_datetime(text, strict=False, time_unit="us")


def _share(head: pl.Series, text: str, suffix: str = "") -> float:
    """The share of texts that a format fits."""
    return 1 - read_texts(head + suffix, text).null_count() / max(len(head), 1)


def worded(text: str) -> str:
    """A format as people write it: year-month-day hour:minute."""
    for letter, name in _WORDS.items():
        text = text.replace(f"%{letter}", name)
    return text.replace("%.f", "").replace(" %p", " AM").replace("%#z", "+zone")
