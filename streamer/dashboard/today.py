"""Energy of the day beside other days, its extremes, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from streamer.dashboard.words import LABEL, STRONG, Part, choose, line
from streamer.display.energy import money
from streamer.display.numbers import fixed, plural
from streamer.energy.cost import Costs
from streamer.energy.today import IntervalMean, Today


def energy(found: Today, width: int) -> Text:
    """Energy since midnight beside that of yesterday and usual days up to the same time."""
    so_far = line(("today ", LABEL), (f"{fixed(found.import_kwh, 2)} kWh", STRONG))
    if found.unknown_minutes:
        so_far.append(f" ({plural(found.unknown_minutes, 'minute')} unknown)", LABEL)
    candidates = [so_far]
    for label, kwh in (
        ("yesterday by now", found.yesterday_by_now_kwh),
        ("usual", found.usual_by_now_kwh),
        ("week", found.week_kwh),
    ):
        if kwh is not None:
            more = line(candidates[0], (f"   {label} ", LABEL), fixed(kwh, 2))
            candidates.insert(0, more)
    return choose(width, *candidates)


def exported(found: Today, width: int) -> list[Text]:
    """Energy fed in since midnight; nothing if there is none."""
    if not found.export_kwh:
        return []
    return [choose(width, line(("fed in ", LABEL), f"{fixed(found.export_kwh, 2)} kWh"))]


def extremes(found: Today, width: int) -> Text:
    """The highest and the lowest demand interval of the day."""
    if found.highest is None or found.lowest is None:
        return choose(width, line(("no full interval yet today", LABEL)))
    high, low = _interval("highest", found.highest), _interval("lowest", found.lowest)
    return choose(width, line(*high, "   ", *low), line(*high))


def _interval(name: str, found: IntervalMean) -> list[Part]:
    return [(f"{name} ", LABEL), f"{fixed(found.kw, 2)} kW", (f" at {found.start:%H:%M}", LABEL)]


def cost(found: Costs, width: int) -> list[Text]:
    """Cost of now, of the day and of the month, and what of it is for the month's peak."""
    currency = found.currency
    amounts = []
    if found.per_hour is not None:
        amounts.append(("now", f"{money(found.per_hour, currency, 3)}/h"))
    if found.month is not None:
        amounts.append(("today", money(found.today, currency)))
        amounts.append(("month", money(found.month, currency)))
    if found.peak_part is not None:
        amounts.append(("peak", money(found.peak_part, currency)))
    if not amounts:
        return []
    candidates = [_amounts(amounts[:count]) for count in range(len(amounts), 0, -1)]
    rows = [choose(width, *candidates)]
    if found.month is not None:
        counts = (
            (found.month_unknown_minutes, "unknown"),
            (found.month_unpriced_minutes, "without a price"),
        )
        lacks = [f"{plural(count, 'minute')} {how}" for count, how in counts if count]
        if lacks:
            rows.append(choose(width, line((f"of the month, {', '.join(lacks)}", LABEL))))
    return rows


def _amounts(amounts: Sequence[tuple[str, str]]) -> Text:
    text = line(("cost", LABEL))
    for name, amount in amounts:
        text.append(f"   {name} ", LABEL).append(amount)
    return text
