"""What can be fetched: where it is, how it is known, whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CREDIT = """\
Licence: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/
Cite as: G. Hebrail and A. Berard (2006), Individual Household Electric Power Consumption,
         UCI Machine Learning Repository, https://doi.org/10.24432/C58K54"""
"""The UCI file's licence, and how to cite it."""


@dataclass(frozen=True)
class Dataset:
    """A published zip with one text in it.

    Attributes:
        name: what it is called on the command line.
        url: where its zip is.
        member: the text's name in the zip.
        sha256: of the text; a zip made anew from the same text is as good.
        size: of the text, in bytes.
    """

    name: str
    url: str
    member: str
    sha256: str
    size: int

    @property
    def file(self) -> str:
        """What its zip is called in the cache.

        >>> UCI.file
        'household_power_consumption.zip'
        """
        return f"{Path(self.member).stem}.zip"


UCI = Dataset(
    name="uci",
    url="https://archive.ics.uci.edu/static/public/235/"
    "individual+household+electric+power+consumption.zip",
    member="household_power_consumption.txt",
    sha256="4259c9d7ece5dbee9ab8d53682baac68d791c864f0f64a52b4043cb3b90894b7",
    size=132_960_755,
)
"""Minute by minute, nearly four years of a house in Sceaux, France."""
