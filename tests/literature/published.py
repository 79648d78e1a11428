"""Published errors of forecasts of the next minute of the UCI file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Span:
    """Minutes that published forecasts were scored on.

    Attributes:
        name: its name.
        start: first minute.
        end: first minute after it.
    """

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Published:
    """Errors of one forecaster as its authors, or others, have published them.

    Attributes:
        forecaster: its name.
        source: authors, year and DOI.
        mse_kw2: mean squared error in kW².
        mae_w: mean absolute error in W; None if it is not given.
    """

    forecaster: str
    source: str
    mse_kw2: float
    mae_w: float | None


YEAR_2010 = Span("2010", datetime(2010, 1, 1), datetime(2010, 11, 27))
FOURTH_YEAR = Span("after three years", datetime(2009, 12, 16, 17, 24), datetime(2010, 11, 27))
MARCH_2007 = Span("8 to 15 March 2007", datetime(2007, 3, 8), datetime(2007, 3, 15, 0, 1))

_LE = "Le et al. 2019, doi:10.3390/app9204237"
_SAAD = "Saad Saoud et al. 2022, arXiv:2207.02589"

TABLE: dict[Span, tuple[Published, ...]] = {
    YEAR_2010: (
        Published("EECP-CBL (CNN and Bi-LSTM)", _LE, 0.051, 98.0),
        Published("CNN-LSTM of Kim and Cho", _LE, 0.374, 349.0),
        Published("linear regression", _LE, 0.405, 418.0),
        Published("LSTM", _LE, 0.748, 628.0),
    ),
    FOURTH_YEAR: (
        Published("Transformer with wavelets", _SAAD, 0.3929**2, 191.1),
        Published("CNN-LSTM of Kim and Cho", _SAAD, 0.6114**2, 349.3),
    ),
    MARCH_2007: (Published("best of eight of a dynamic ensemble", "see below", 0.371**2, None),),
}
