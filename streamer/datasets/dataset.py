"""Published datasets: address, checksum, licence and citation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CREDIT = """\
Licence: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/
Cite as: G. Hebrail and A. Berard (2006), Individual Household Electric Power Consumption,
         UCI Machine Learning Repository, https://doi.org/10.24432/C58K54"""
"""Licence of the UCI file, and its citation."""


@dataclass(frozen=True)
class Dataset:
    """A published zip that contains one text.

    Attributes:
        name: name on the command line.
        url: address of the zip.
        member: name of the text in the zip.
        sha256: checksum of the text, not of the zip, which may be packed differently.
        size: size of the text in bytes.
    """

    name: str
    url: str
    member: str
    sha256: str
    size: int

    @property
    def file(self) -> str:
        """File name of the zip in the cache.

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
"""One house in Sceaux, France, minute by minute over nearly four years."""
