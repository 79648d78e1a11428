"""Scores of the forecasts and their bands, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from streamer.dashboard.history import HistorySnapshot
from streamer.dashboard.words import LABEL, WARNING, choose, line, percent
from streamer.display.numbers import NOTHING, fixed, significant
from streamer.readings import Adaptation, BandScores, ErrorScores, Scores

IN_SAMPLE = "in sample: these scores flatter"

TRIAL_MINUTES = 1440
"""Settled minutes before the adapted forecasts can first be shown."""

NARROW, BROAD = 43, 54
"""Width of the table in cells, without and with the frozen network."""

MIN_ROWS, ALL_ROWS = 7, 10


def scores(snapshot: HistorySnapshot, width: int, rows: int) -> list[Text]:
    """Errors of the forecasts and of persistence, and scores of the bands.

    Args:
        snapshot: state of the stream.
        width: width in cells, at least `NARROW`; from `BROAD` on there is another column.
        rows: number of lines, at least `MIN_ROWS`; the least important are left out.
    """
    last = snapshot.last
    found = last.scores if last else Scores()
    roomy = rows > MIN_ROWS + 1
    table = _Table(found, broad=width >= BROAD)
    lines = table.squared()
    absolute = table.absolute()
    notes = band_lines(found.band, width - 1, brief=not roomy)
    if last and last.adaptation:
        notes.append(adaptation_line(last.adaptation, width - 1))
    rest = [line(" ", text) for text in notes]
    if snapshot.in_sample:
        rest.append(line(" ", (f"! {IN_SAMPLE}", WARNING)))
    elif len(lines) + len(absolute) + len(rest) < rows:
        rest.append(line((" skill: 1 − MSE / MSE of persistence", LABEL)))
    # The RMSE repeats the MSE, so it is left out first.
    room = max(0, rows - len(lines) - len(rest))
    return [*lines, *absolute[max(0, len(absolute) - room) :], *rest][:rows]


class _Table:
    """Rows of figures, one column for each forecaster."""

    def __init__(self, found: Scores, *, broad: bool) -> None:
        self._found = found
        self._broad = broad

    def squared(self) -> list[Text]:
        """Heading, and mean squared errors in kW² over all minutes, an hour and a day."""
        found = self._found
        frozen = "frozen" if self._shows_frozen else ""
        names = self._numbers("model", frozen, "persistence")
        rows = [line((f" {'':9}{names}{'skill':>9}", LABEL))]
        for label, name, skill in (
            ("MSE  kW²", "mse_kw2", found.skill),
            ("  hour", "hour_mse_kw2", found.hour_skill),
            ("  day", "day_mse_kw2", found.day_skill),
        ):
            gain = percent(skill)
            pad = " " * max(0, 9 - gain.cell_len)
            numbers = self._numbers(*(significant(value) for value in self._values(name)))
            rows.append(line(" ", (f"{label:9}", LABEL), numbers, pad, gain))
        return rows

    def absolute(self) -> list[Text]:
        """Root mean squared and mean absolute errors in W."""
        return [
            line(
                " ",
                (f"{label:9}", LABEL),
                self._numbers(*(fixed(value, 1) for value in self._values(name))),
            )
            for label, name in (("RMSE W", "rmse_w"), ("MAE  W", "mae_w"))
        ]

    @property
    def _shows_frozen(self) -> bool:
        return self._broad and self._found.frozen is not None

    def _values(self, name: str) -> Iterable[float | None]:
        """One score of the model, the frozen network and persistence."""
        found = self._found
        for errors in (found.model, found.frozen or ErrorScores(), found.persistence):
            yield getattr(errors, name)

    def _numbers(self, model: str, frozen: str, persistence: str) -> str:
        between = f"{frozen:>11}" if self._shows_frozen else ""
        return f"{model:>10}{between}{persistence:>12}"


def band_lines(band: BandScores, width: int, *, brief: bool) -> list[Text]:
    """Coverage and mean width of the bands.

    Args:
        band: the scores.
        width: width of a line in cells.
        brief: use a single line.
    """
    name = f"{fixed(100.0 * band.confidence, 1).removesuffix('.0')} % band"
    label = (f"{name}  ", LABEL)
    if band.coverage is None or band.width_kw is None:
        return [line(label, NOTHING)]
    covers, wide = f"covers {_share(band.coverage)}", f"{fixed(band.width_kw, 2)} kW wide"
    covers_day = f"{covers} (day {_share(band.day_coverage)})"
    wide_day = f"{wide} (day {fixed(band.day_width_kw, 2)})"
    if not brief:
        return [
            choose(width, line(label, covers_day), line(label, covers)),
            line(" " * len(name), "  ", wide_day),
        ]
    return [
        choose(
            width,
            line(label, f"{covers_day} · {wide_day}"),
            line(label, f"{covers} · {wide}"),
            line(label, covers),
        )
    ]


def _share(value: float | None) -> str:
    return f"{fixed(None if value is None else 100.0 * value, 1)} %"


def adaptation_line(adaptation: Adaptation, width: int) -> Text:
    """State of the adapter, and its gain over the frozen network."""
    gain, learnt = adaptation.day_gain, adaptation.learnt
    if not adaptation.shown and learnt < TRIAL_MINUTES:
        state = "learning anew" if adaptation.restarts else "learning"
        return choose(
            width,
            line(f"{state}: {learnt} of {TRIAL_MINUTES} minutes"),
            line(f"{state} {learnt}/{TRIAL_MINUTES}"),
        )
    if not adaptation.shown:
        by = percent(gain)
        return choose(
            width,
            line("frozen network: correction not surely better (", by, " over the last day)"),
            line("frozen: not surely better (", by, ")"),
            line("frozen (", by, ")"),
        )
    share = f"{fixed(None if gain is None else 100.0 * gain, 1)} %"
    better = Text("hardly better" if share == "0.0 %" else f"{share} better", percent(gain).style)
    return choose(
        width,
        line("adapted, ", better, " than frozen over the last day"),
        line("adapted, ", better, " than frozen"),
        line("adapted, ", better),
    )


def comparison(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """Running errors of the model and of persistence, on two lines."""
    found = snapshot.last.scores if snapshot.last else Scores()
    ours, theirs = (significant(e.mse_kw2, 4) for e in (found.model, found.persistence))
    skill = percent(found.skill)
    if width < 38:
        return [line(("MSE   ", LABEL), ours), line(("skill ", LABEL), skill)]
    pad = " " * max(0, 8 - skill.cell_len)
    return [
        line(("model MSE   ", LABEL), f"{ours:>9}", (" kW² skill ", LABEL), pad, skill),
        line(("persistence ", LABEL), f"{theirs:>9}", (" kW² over ", LABEL), f"{found.settled:,}"),
    ]


def more(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """Scores of the bands and the adapter, for a screen that is narrow but tall."""
    last = snapshot.last
    lines = band_lines(last.scores.band if last else Scores().band, width, brief=True)
    if last and last.adaptation:
        lines.append(adaptation_line(last.adaptation, width))
    return lines


def settled(snapshot: HistorySnapshot) -> str:
    """Number of minutes that the scores cover."""
    count = snapshot.last.scores.settled if snapshot.last else 0
    return f"scores over {count:,} minute{'' if count == 1 else 's'}"
