"""Values of readings: their conversion, and the reasons why a row is unusable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamer.fleet.spark.locations import TIME_UNITS, Notation

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_DAY_US = 86_400_000_000
_DAYS = 2
"""Days from the beginning of the present one in which a time may be: a later one is in another
unit, or of a wrong clock. Spark compiles the day into its code, once a day; with the time of the
batch, it would compile the same code anew for each batch.

If it were accepted, all later readings of its meter would be late until that time.
"""

_MAX_SECONDS = 1e11
"""A larger number is not a time in seconds, which would be after the year 5000."""

NO_METER = "no meter"
NO_MINUTE = "no minute"
WRONG_MINUTE = "the minute is not a time of the past"
NO_POWER = "no power"
WRONG_POWER = "the power is not a number"
"""Reasons why a row is unusable, in the order in which they are checked."""

_DIGITS = r"^\s*\d{8,}(\.\d*)?\s*$"
_DATE = r"^\s*\d{4}-\d{1,2}-\d{1,2}([T ]|\s*$)"
_NO_SECONDS = r"^(\s*[\d-]+[T ]\d{1,2}:\d\d)(?=\s*(Z|[+-]\d\d(:?\d\d)?)\s*$)"
"""Times as text: Spark takes one without a date for today's, and needs seconds before a zone."""


def clean(rows: DataFrame, notation: Notation) -> DataFrame:
    """Convert columns of any type to a meter's name, microseconds in UTC, and kW.

    Values that cannot be converted become null and are counted; no value can stop the query. A
    time that is a number, or consists of digits, is one since 1970. Times after tomorrow are
    rejected.
    """
    return rows.select(*_values(rows, notation))


def rejected(rows: DataFrame, notation: Notation) -> DataFrame:
    """The rows that `clean` cannot convert, as they are.

    Args:
        rows: columns meter, minute and kw, of any type, and any others.
        notation: notation of the values.

    Returns:
        Column ``reason``, never null, and the columns of `rows`, as text.
    """
    reasoned = reasons(rows, notation)
    return reasoned.where(reasoned["reason"].isNotNull()).drop("name")


def reasons(rows: DataFrame, notation: Notation) -> DataFrame:
    """All rows as text, with the name of the meter and the reason why one is unusable.

    Args:
        rows: columns meter, minute and kw, of any type, and any others.
        notation: notation of the values.

    Returns:
        Columns ``reason``, null for a usable row; ``name``, null without a meter; and those of
        `rows`.
    """
    from pyspark.sql import functions as fn

    meter, minute, kw = _values(rows, notation)
    reason = fn.when(meter.isNull(), fn.lit(NO_METER))
    for value, raw, missing, wrong in (
        (minute, rows["minute"], NO_MINUTE, WRONG_MINUTE),
        (kw, rows["kw"], NO_POWER, WRONG_POWER),
    ):
        text = fn.trim(raw.cast("string"))
        empty = raw.isNull() | (text == "")
        reason = reason.when(value.isNull(), fn.when(empty, missing).otherwise(wrong))
    texts = [rows[name].cast("string").alias(name) for name in rows.columns]
    return rows.select(reason.alias("reason"), meter.alias("name"), *texts)


def _values(rows: DataFrame, notation: Notation) -> tuple[Column, Column, Column]:
    """The meter's name, the minute in microseconds and the power in kW, null if unusable."""
    from pyspark.sql import functions as fn
    from pyspark.sql.types import NumericType, StringType

    meter = fn.make_valid_utf8(rows["meter"].cast("string"))
    power = rows["kw"]
    if notation.decimal == "," and isinstance(rows.schema["kw"].dataType, StringType):
        power = fn.when(~power.contains("."), fn.replace(power, fn.lit(","), fn.lit(".")))
    kw = power.try_cast("double")
    if notation.unit == "W":
        kw = kw / fn.lit(1000.0)
    minute = rows["minute"]
    kind = rows.schema["minute"].dataType
    if isinstance(kind, NumericType):
        micros = _from_number(minute, notation.time_unit)
    elif isinstance(kind, StringType):
        micros = _from_text(minute, notation.time_unit)
    else:
        micros = fn.unix_micros(minute.try_cast("timestamp"))
    end = (fn.unix_date(fn.current_date()).cast("long") + _DAYS) * _DAY_US
    return (
        fn.when(meter != "", meter).alias("meter"),
        fn.when((micros >= 0) & (micros < end), micros).alias("minute"),
        fn.when(fn.abs(kw) < float("inf"), kw).alias("kw"),
    )


def _from_number(column: Column, unit: str) -> Column:
    """Microseconds since 1970 of a time in a unit, by default the one that fits its size."""
    from pyspark.sql import functions as fn

    number = column.try_cast("double")
    if unit in TIME_UNITS:
        factor = fn.lit(TIME_UNITS[unit])
    else:
        factor = fn.when(number < _MAX_SECONDS, TIME_UNITS["s"])
        factor = factor.when(number < _MAX_SECONDS * 1e3, TIME_UNITS["ms"])
        factor = factor.when(number < _MAX_SECONDS * 1e6, TIME_UNITS["us"])
        factor = factor.otherwise(TIME_UNITS["ns"])
    return fn.round(number * factor).try_cast("long")


def _from_text(column: Column, unit: str) -> Column:
    from pyspark.sql import functions as fn

    whole = fn.regexp_replace(column, _NO_SECONDS, "$1:00").try_cast("timestamp")
    return fn.when(column.rlike(_DIGITS), _from_number(column, unit)).when(
        column.rlike(_DATE), fn.unix_micros(whole)
    )
