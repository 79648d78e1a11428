"""Tables as other programs write them: what is read from each, and what is asked."""

import itertools
import math
import re
import shlex
import statistics
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest

from streamer.errors import SourceError, StreamerError, UnitError, UsageError
from streamer.readings import Notice, Reading
from streamer.sources.files.delimited import open_replay

START = datetime(2024, 3, 12, 17, 0)
WATTS = [269.1, 268.7, 274.1, 1892.0, 2380.9, 179.5, 184.0, 182.5] * 10
KWH = [watts / 60_000 for watts in WATTS]
ROWS = len(WATTS)
MEAN_KW = statistics.fmean(WATTS) / 1000


def table(header, values, form="{:%Y-%m-%d %H:%M:%S}", row="{at},{value}", step=60, start=START):
    rows = [
        row.format(at=form.format(start + timedelta(seconds=step * i)), value=value, number=i)
        for i, value in enumerate(values)
    ]
    return "\n".join([*([header] if header else []), *rows]) + "\n"


def collected(path, **options):
    items = []
    with closing(open_replay(path, **options)) as source:
        while piece := source.read():
            items += piece
    readings = [item for item in items if isinstance(item, Reading)]
    return readings, [item for item in items if isinstance(item, Notice)]


def until_error(path, **options):
    """The readings, or the error."""
    try:
        return collected(path, **options)[0], None
    except StreamerError as error:
        return [], error


def asked(path, **options):
    """The options that an error asks for."""
    with pytest.raises(UsageError) as caught:
        open_replay(path, **options)
    text = str(caught.value)
    assert text.isprintable()
    return text, shlex.split(text[text.index(" --") + 1 :])


def chosen(words):
    """The options of a command line as those of `open_replay`."""
    options = {}
    words = list(words)
    while words:
        name = words.pop(0).removeprefix("--").replace("-", "_")
        if name == "as_minutes":
            options[name] = True
        elif name == "where":
            options.setdefault(name, []).append(words.pop(0))
        else:
            options[name] = words.pop(0)
    return options


def read_as_asked(path):
    """The readings and notices when every question is answered as the error proposes."""
    options = {}
    for _ in range(3):
        try:
            return collected(path, **options)
        except UsageError as error:
            text = str(error)
            options |= chosen(shlex.split(text[text.index(" --") + 1 :]))
    return collected(path, **options)


def check_minutes(readings, mean=MEAN_KW, count=ROWS):
    assert len(readings) == count
    assert statistics.fmean(reading.kw for reading in readings) == pytest.approx(mean, rel=2e-3)
    gaps = [b.at - a.at for a, b in itertools.pairwise(readings)]
    assert set(gaps) == {timedelta(minutes=1)}


POWER_TABLES = {
    "pandas index": table(
        ",Date,Time,Global_active_power,Voltage",
        [watts / 1000 for watts in WATTS],
        "{:%d/%m/%Y,%H:%M:%S}",
        "{number},{at},{value},234.8",
    ),
    "R row names": table(
        '"Date" "Time" "Global_active_power"',
        [watts / 1000 for watts in WATTS],
        '"{:%d/%m/%Y}" "{:%H:%M:%S}"'.replace("{:%H", "{0:%H").replace("{:%d", "{0:%d"),
        '"{number}" {at} {value}',
    ),
    "decimal comma": table(
        "time;power_kw",
        [f"{watts / 1000:.4f}".replace(".", ",") for watts in WATTS],
        row="{at};{value}",
    ),
    "thousands": table("time;power_w", [f"{watts:,.3f}" for watts in WATTS], row="{at};{value}"),
    "german thousands": table(
        "Zeit;Leistung W",
        [f"{watts:,.2f}".translate(str.maketrans(",.", ".,")) for watts in WATTS],
        row="{at};{value}",
    ),
    "units in values": table("Time,House", [f"{watts} W" for watts in WATTS]),
    "mixed units in values": table(
        "Time,House", [f"{w / 1000} kW" if w > 1000 else f"{w} W" for w in WATTS]
    ),
    "unicode minus and exponent": table(
        "time,power_w", [f"{watts:.4e}" for watts in WATTS], row="{at},{value}"
    ),
    "megawatts": table("time,power_MW", [watts / 1e6 for watts in WATTS]),
    "kilowatts spelt out": table("time,Home-Main (kWatts)", [watts / 1000 for watts in WATTS]),
    "month first": table("Date Time,Power (W)", WATTS, "{:%m/%d/%Y %I:%M:%S %p}",
                         start=datetime(2024, 3, 22, 23)),
    "two-digit year": table("when,kW", [w / 1000 for w in WATTS], "{:%d.%m.%y %H:%M}"),
    "zone name": table("time,power_w", WATTS, "{:%Y-%m-%d %H:%M:%S UTC}"),
    "offset after a space": table("time,power_w", WATTS, "{:%Y-%m-%d %H:%M:%S +0100}"),
    "compact": table("time,power_w", WATTS, "{:%Y%m%d%H%M}"),
    "compact with T": table("time,power_w", WATTS, "{:%Y%m%dT%H%M%S}"),
    "named month": table("time,power_w", WATTS, "{:%d %b %Y %H:%M}"),
    "named month first": table('time,power_w', WATTS, '"{:%B %d, %Y %I:%M %p}"'),
    "underscore": table("time,power_w", WATTS, "{:%Y-%m-%d_%H:%M:%S}"),
    "date and time of day": table("Datum;Uhrzeit;Leistung [W]", WATTS,
                                  "{0:%d.%m.%Y};{0:%H:%M}", "{at};{value}",
                                  start=datetime(2024, 3, 22, 17)),
    "comments": "# source: meter\n#\n" + table("time,power_w", WATTS),
    "commented header": "# time power_w\n" + table("", WATTS, "{:%Y-%m-%dT%H:%M:%S}",
                                                    "{at} {value}"),
    "declared delimiter": "sep=;\n" + table('"Time";"power W"', WATTS, row='{at};"{value}"'),
    "preamble": "Name,A NAME\nAddress,1 STREET\n\n" + table("time,note,power_w", WATTS,
                                                            row="{at},,{value}"),
    "unit above": "Meter;Quantity;Unite\n123;Consommation;W\n"
    + table("Horodate;Valeur", WATTS, row="{at};{value}"),
    "unit beside": table("time,value,unit", WATTS, row="{at},{value},W"),
    "unit in the name of the series": table(
        "entity_id,time,value", WATTS, row="sensor.house_power_w,{at},{value}"
    ),
    "a delimiter at each end": table("time;power_w", WATTS, row="{at};{value};"),
    "grid and its parts": table(
        "timestamp,battery_w,grid_power_w,solar_w", WATTS, row="{at},{number},{value},{number}"
    ),
    "dotted time of day": table("Date;Time;kW", [w / 1000 for w in WATTS],
                                "{0:%d.%m.%Y};{0:%H.%M.%S}", "{at};{value}"),
    "French": table("Date;Heure;Puissance (W)", WATTS, "{0:%d/%m/%Y};{0:%Hh%M}", "{at};{value}"),
    "the month first in the USA": table("Time Bucket (America/New_York),Home-Main (kWatts)",
                                        [w / 1000 for w in WATTS], "{:%m/%d/%Y %H:%M:%S}"),
    "a rate of energy": table("time,usage (kWh/h)", [w / 1000 for w in WATTS]),
    "import less export": table("time,delivered_w,returned_w", [w + 100 for w in WATTS],
                                row="{at},{value},100"),
    "no name": table("time,", WATTS).replace("time,", "time,W", 1),
    "quoted": table('"time","power_w"', WATTS, row='"{at}","{value}"'),
}  # fmt: skip


@pytest.mark.parametrize("name", POWER_TABLES)
def test_powers_are_read_whatever_their_form(write, name):
    readings, notices = collected(write(POWER_TABLES[name]))
    check_minutes(readings)
    assert notices == []


@pytest.mark.parametrize(
    ("digits", "scale"), [("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9), ("ms, float", 1e3)]
)
def test_epochs_are_told_apart_by_their_size(write, digits, scale):
    rows = []
    for number, watts in enumerate(WATTS):
        stamp = int(START.replace(tzinfo=UTC).timestamp() + 60 * number) * int(scale)
        rows.append(f"{stamp}{'.0' if 'float' in digits else ''},{watts}")
    readings, _ = collected(write("time,power_w\n" + "\n".join(rows)))
    assert readings[0].at == START.replace(tzinfo=UTC)
    check_minutes(readings)


ENERGY_TABLES = {
    "kWh of minutes": (table("time,usage_kwh,temperature", KWH, row="{at},{value},7.5"), 1),
    "spelt out": (table("Time,Usage (Kilowatt-Hours)", KWH), 1),
    "kW-hr": (table("Time,Usage kW-hr", KWH), 1),
    "kWhs": (table("Time Bucket (America/New_York),Home-Main (kWhs)", KWH), 1),
    "Wh": (table("timestamp,energy_wh,volt", [1000 * e for e in KWH], row="{at},{value},230"), 1),
    "half hours": (
        table("Consumption (kwh), Start, End", [30 * e for e in KWH], step=1800,
              row="{value}, {at}, {at}"),
        30,
    ),
    "unit beside": (
        table("From (date);From (time);Volume;Unit", [f"{15 * e:.9f}".replace(".", ",")
                                                      for e in KWH],
              "{0:%d/%m/%Y};{0:%H:%M:%S}", "{at};{value};kWh;", step=900,
              start=datetime(2024, 3, 22)),
        15,
    ),
    "no unit": (table("consumption,interval_start,interval_end", [30 * e for e in KWH],
                      row="{value},{at},{at}", step=1800), 30),
}  # fmt: skip


@pytest.mark.parametrize("name", ENERGY_TABLES)
def test_energies_of_intervals_become_mean_powers(write, name):
    text, minutes = ENERGY_TABLES[name]
    readings, notices = read_as_asked(write(text))
    check_minutes(readings, count=minutes * len(KWH))
    assert notices[0].kind == Notice.CONVERSION
    assert "is the energy of each interval" in notices[0].text
    assert ("flatter" in notices[0].text) == (minutes > 1)


def counter(start=1234.0, digits=6):
    total, states = start, []
    for kwh in KWH:
        states.append(round(total, digits))
        total += kwh
    return states


class TestCounters:
    def test_a_counter_becomes_mean_power(self, write):
        readings, notices = collected(write(table("time,Import kWh", counter())))
        expected = [watts / 1000 for watts in WATTS[:-1]]
        assert [reading.kw for reading in readings] == pytest.approx(expected, abs=1e-3)
        assert "is a counter in kWh" in notices[0].text
        assert "steps" not in notices[0].text

    def test_coarse_steps_are_reported_and_spread(self, write):
        text = table("time,total_kwh", [100 + 0.01 * (i // 4) for i in range(400)])
        readings, notices = collected(write(text))
        assert "each of its steps is 0.6 kW over 1 min" in notices[0].text
        assert {round(reading.kw, 6) for reading in readings} == {0.15}

    def test_an_export_is_subtracted(self, write):
        text = table("time,Import kWh,Export kWh", counter(), row="{at},{value},7.5")
        text = text.replace(",7.5", ",7.0", 1)
        readings, notices = collected(write(text))
        assert "'Import kWh - Export kWh' is a counter" in notices[0].text
        assert readings[0].kw == pytest.approx(WATTS[0] / 1000 - 30)

    def test_phases_are_proposed_as_a_sum(self, write):
        text = table(
            "time,L1_W,L2_W,L3_W", [w / 3 for w in WATTS], row="{at},{value},{value},{value}"
        )
        _, options = asked(write(text))
        assert options == ["--column", "L1_W+L2_W+L3_W"]
        check_minutes(read_as_asked(write(text))[0])

    def test_tariffs_are_proposed_as_a_sum(self, write):
        low, high = counter(800), counter(400)
        rows = "\n".join(
            f"{START + timedelta(minutes=i)};{a};{b};{i % 2};0"
            for i, (a, b) in enumerate(zip(low, high, strict=True))
        )
        path = write(f"time;StandNormaal;StandDal;TerugleveringNormaal;TerugleveringDal\n{rows}\n")
        _, options = asked(path)
        assert options[:2] == ["--column", "StandNormaal+StandDal"]
        text = table("time,T1 kWh,T2 kWh", counter(), row="{at},{value},{value}")
        readings, _ = read_as_asked(write(text))
        check_minutes(readings, mean=2 * statistics.fmean(WATTS[:-1]) / 1000, count=79)

    def test_a_reset_costs_its_interval(self, write):
        states = counter()
        text = table("time,energy_kwh", [*states, *(state - 1200 for state in states)])
        readings, _ = collected(write(text))
        assert len(readings) == 2 * len(WATTS) - 2
        assert max(reading.kw for reading in readings) < 3

    def test_a_gap_makes_no_minutes(self, write):
        text = table("time,energy_kwh", counter()).splitlines()
        del text[20:40]
        readings, _ = collected(write("\n".join(text)))
        assert len(readings) == len(WATTS) - 1 - 21

    def test_newest_first_is_sorted(self, write):
        lines = table("time,reading_kwh", counter()).splitlines()
        readings, _ = collected(write("\n".join([lines[0], *reversed(lines[1:])])))
        check_minutes(readings, mean=statistics.fmean(WATTS[:-1]) / 1000, count=79)

    def test_a_constant_energy_is_asked_about(self, write):
        text, options = asked(write(table("time,energy_kwh", [5.0] * 20)))
        assert "may be a counter or the energy of each interval" in text
        assert options[0] == "--quantity"


class TestQuestions:
    @pytest.mark.parametrize(
        ("header", "values", "option"),
        [
            ("time,power", WATTS, "--unit W"),
            ("time,House power", [watts / 1000 for watts in WATTS], "--unit kW"),
            ("time,state", WATTS, "--unit W"),
            ("timestamp,reading", counter(), "--unit kWh"),
            ("time,power_mW", [watts / 1000 for watts in WATTS], "--unit kW"),
            ("time,power_mw", WATTS, "--unit mW"),
        ],
    )
    def test_a_missing_unit(self, write, header, values, option):
        text, options = asked(write(table(header, values)))
        assert " ".join(options) == option
        assert "median" in text
        readings, _ = collected(write(table(header, values)), **chosen(options))
        assert readings

    def test_a_table_without_names(self, write):
        text, options = asked(write(table("", WATTS, "{:%s}", "{at} {value}")))
        assert "column '2' has no unit" in text
        assert options == ["--unit", "W"]

    def test_a_coarse_cadence(self, write):
        path = write(table("time,power_kw", [w / 1000 for w in WATTS], step=300))
        text, options = asked(path)
        assert "its rows are 5 min apart" in text
        readings, notices = collected(path, **chosen(options))
        check_minutes(readings, count=400)
        assert notices[0].kind == Notice.CONVERSION

    def test_all_questions_are_asked_at_once(self, write):
        rows = table(
            "time,name,value", WATTS, step=600, row="{at},house,{value}\n{at},pool,{number}"
        )
        _, options = asked(write(rows))
        assert options == ["--where", "name=house", "--unit", "W", "--as-minutes"]
        readings, _ = collected(write(rows), **chosen(options))
        check_minutes(readings, count=800)

    @pytest.mark.parametrize(
        "header",
        ["kVA", "kvar", "Amps", "Voltage", "temperature", "water usage dl", "gas m3", "Cost (EUR)",
         "Humidity %", "GHI W/m2", "Frequency Hz"],
    )  # fmt: skip
    def test_another_quantity_is_never_power(self, write, header):
        path = write(table(f"time,{header}", WATTS))
        with pytest.raises(UsageError, match="none of them is recognised as the power"):
            open_replay(path)
        with pytest.raises(UsageError, match="by its name; if it is active power anyway"):
            open_replay(path, column=2)
        assert len(collected(path, column=2, unit="W")[0]) == ROWS

    @pytest.mark.parametrize("unit", ["V", "A", "kVA", "m3", "°C", "EUR"])
    def test_another_unit_behind_the_values(self, write, unit):
        with pytest.raises(UsageError, match="the values of column 'House' are"):
            open_replay(write(table("Time,House", [f"{watts} {unit}" for watts in WATTS])))

    def test_a_part_of_the_house_is_asked_about(self, write):
        text, options = asked(write(table("time,solar_power_w", WATTS)))
        assert "may not be the power of the whole house" in text
        assert options == ["--column", "solar_power_w"]

    def test_an_extreme_is_not_a_mean(self, write):
        text = table("time,Import kWh,L1 max W", counter(), row="{at},{value},269")
        _, notices = collected(write(text))
        assert "'Import kWh' is a counter" in notices[0].text

    def test_a_comma_that_may_separate_thousands(self, write):
        values = [f"{watts:.3f}".replace(".", ",") for watts in WATTS if 100 < watts < 1000]
        text, options = asked(write(table("time;power_w", values, row="{at};{value}")))
        assert "may separate decimals or thousands" in text
        assert options == ["--decimal", ","]

    def test_a_time_of_day_without_a_date(self, write):
        with pytest.raises(UsageError, match="a time of day, but no date"):
            open_replay(write(table("time;kW", [1, 2, 3], "{:%H:%M}", "{at};{value}")))

    def test_sums_of_days_are_not_power(self, write):
        days = [1209.2, 1716.1, 2223.0, 1483.2] * 10
        text = table("datetime,Global_active_power", days, "{:%Y-%m-%d}", step=86400)
        with pytest.raises(UnitError, match="more than a household draws"):
            open_replay(write(text))

    def test_a_quantity_that_contradicts_the_unit(self, write):
        with pytest.raises(UsageError, match="contradicts the unit kW"):
            open_replay(write(table("time,power_kw", WATTS)), quantity="counter", max_kw=9999)


class TestSeries:
    TEXT = table(
        "entity_id,state,last_changed",
        [watts / 1000 for watts in WATTS],
        "{:%Y-%m-%dT%H:%M:%SZ}",
        "sensor.house_kw,{value},{at}\nsensor.outside_temperature,7.0,{at}",
    )

    def test_several_series_are_never_mixed(self, write):
        text, options = asked(write(self.TEXT))
        assert "'sensor.house_kw', 'sensor.outside_temperature'" in text
        assert options == ["--where", "entity_id=sensor.house_kw"]
        readings, _ = collected(write(self.TEXT), **chosen(options))
        check_minutes(readings)

    def test_a_series_that_is_missing(self, write):
        with pytest.raises(UsageError, match="the first rows have only 'sensor"):
            open_replay(write(self.TEXT), where=["entity_id=sensor.x"])

    def test_values_of_one_column_are_alternatives(self, write):
        rows = table("time,register,kW", [1, 2] * 20, row="{at},R{value},{value}")
        path = write(rows.replace("R1", "day").replace("R2", "night"))
        readings, _ = collected(path, where=["register=day", "register=night"])
        assert len(readings) == 40

    def test_a_series_that_begins_late_is_not_mixed_in(self, write):
        own = table("name,time,power_w", WATTS * 10, row="house,{at},{value}")
        rest = table("", WATTS * 5, row="pool,{at},{value}", start=START.replace(month=5))
        with pytest.raises(SourceError, match="'name' is 'pool', not 'house' as in the first rows"):
            collected(write(own + rest))
        readings, _ = collected(write(own + rest), where=["name=house"])
        assert len(readings) == 10 * ROWS

    def test_a_repeated_header_is_passed_over(self, write):
        rows = table("name,time,power_w", WATTS, row="house,{at},{value}").splitlines()
        readings, notices = collected(write("\n".join([*rows[:40], rows[0], *rows[40:]])))
        check_minutes(readings)
        assert notices == []

    def test_a_status_is_no_series(self, write):
        rows = table("time;status;power_w", WATTS, row="{at};ok;{value}").splitlines()
        rows[2:60:3] = [row.replace("ok", "late") for row in rows[2:60:3]]
        check_minutes(collected(write("\n".join(rows)))[0])


class TestCadence:
    def test_finer_samples_are_averaged_by_time(self, write):
        text = table("time,power_kw", [1.0] * 5 + [3.0] * 5 + [2.0] * 20, step=6)
        readings, notices = collected(write(text))
        assert [reading.kw for reading in readings] == [2.0, 2.0, 2.0]
        assert "rows are 6 s apart, averaged to minutes" in notices[0].text

    def test_a_gap_between_finer_samples_is_a_gap(self, write):
        rows = table("time,power_kw", [1.0] * 100, step=6).splitlines()
        del rows[21:61]
        readings, _ = collected(write("\n".join(rows)))
        assert [reading.at.minute for reading in readings] == [0, 1, 6, 7, 8, 9]

    def test_changes_are_valid_until_the_next(self, write):
        states = [("00:12", 500), ("00:50", 1000), ("07:00", "unavailable"), ("09:00", 200),
                  ("09:10", 210), ("09:40", 205)]  # fmt: skip
        rows = [f"sensor.power_w,{state},2024-03-12T17:{at}Z" for at, state in states]
        path = write("entity_id,state,last_changed\n" + "\n".join(rows))
        readings, _ = collected(path)
        assert [reading.at.minute for reading in readings] == [0, 1, 2, 3, 4, 5, 6, 9]
        assert readings[0].kw == pytest.approx((38 * 0.5 + 10) / 48)

    def test_rows_of_one_time_are_averaged(self, write):
        rows = table("time,power_w", WATTS, "{:%Y-%m-%d %H:%M}", "{at},{value}\n{at},{value}")
        readings, notices = collected(write(rows))
        check_minutes(readings)
        assert "several rows have the same time" in notices[0].text

    def test_a_few_missing_rows_do_not_change_the_cadence(self, write):
        rows = table("time,power_kw", [1.0] * 90).splitlines()
        path = write("\n".join(row for i, row in enumerate(rows) if i % 3 != 1))
        assert len(collected(path)[0]) == 60


class TestOrder:
    def test_newest_first_is_sorted(self, write):
        lines = table("time,power_w", WATTS).splitlines()
        readings, notices = collected(write("\n".join([lines[0], *reversed(lines[1:])])))
        check_minutes(readings)
        assert notices == []

    def test_shuffled_months_are_sorted(self, write):
        lines = table("time,power_w", WATTS).splitlines()
        rows = [line for start in range(7, -1, -1) for line in lines[1 + start :: 8]]
        check_minutes(collected(write("\n".join([lines[0], *rows])))[0])

    def test_the_hour_that_summer_time_repeats_is_kept(self, write):
        at = [START.replace(month=10, day=27, hour=1) + timedelta(minutes=i) for i in range(120)]
        after = [at[60] + timedelta(minutes=i) for i in range(200)]
        rows = [f"{moment},{0.001 * i + 1:.3f}" for i, moment in enumerate([*at, *after])]
        readings, notices = collected(write("time,power_kw\n" + "\n".join(rows)))
        check_minutes(readings, mean=statistics.fmean(1 + i / 1000 for i in range(320)), count=320)
        assert [notice.kind for notice in notices] == [Notice.WARNING]
        assert "as at the end of summer time" in notices[0].text

    def test_an_offset_that_changes_is_no_disorder(self, write):
        zones = [timezone(timedelta(hours=2)), timezone(timedelta(hours=1))]
        begin = datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
        moments = [begin + timedelta(minutes=i) for i in range(80)]
        rows = [f"{m.astimezone(zones[m.hour >= 1]).isoformat()},250" for m in moments]
        check_minutes(collected(write("time,power_w\n" + "\n".join(rows)))[0], 0.25, 80)

    def test_midnight_may_be_the_end_of_a_day(self, write):
        rows = table("Date,Time,kW", [1.0] * 90, "{0:%Y-%m-%d},{0:%H:%M}",
                     start=datetime(2024, 3, 12, 23))  # fmt: skip
        path = write(rows.replace("2024-03-13,00:00", "2024-03-12,24:00"))
        check_minutes(collected(path)[0], 1.0, 90)


class TestDates:
    @pytest.mark.parametrize(("form", "day"), [("{0.day}/{0.month}/{0.year}", 3),
                                               ("{0.month}/{0.day}/{0.year}", 3)])  # fmt: skip
    def test_the_next_day_shows_the_order(self, write, form, day):
        text = table("time,kW", [1.0] * 90, form + " {0:%H:%M}", start=datetime(2024, 4, 3, 23))
        readings, _ = collected(write(text))
        assert readings[0].at == datetime(2024, 4, day, 23)

    @pytest.mark.parametrize(
        "form", ["{:%d/%m/%y}", "{:%d-%m-%Y %H:%M}", "{:%d/%m/%Y %I:%M:%S %p}"]
    )
    def test_the_format_that_is_proposed_works(self, write, form):
        text = table("time,kW", [1.0, 2.0, 3.0], form, start=datetime(2024, 4, 3, 12))
        path = write(text)
        error, words = asked(path)
        assert error.startswith("house.csv: date '0")
        options = {"time_format": words[1]}
        assert collected(path, **options)[0][0].at.date() == datetime(2024, 4, 3).date()

    def test_a_later_day_shows_the_order(self, write):
        text = table("time,kW", [1.0] * 90, "{0.month}/{0.day}/{0.year} {0:%H:%M}",
                     start=datetime(2024, 4, 3))  # fmt: skip
        text += "4/13/2024 00:00,1.0\n"
        assert collected(write(text))[0][0].at == datetime(2024, 4, 3)


class TestBadRows:
    def test_a_mostly_unreadable_file_is_an_error(self, write):
        values = [1.0 if i % 10 else "x" for i in range(300)]
        assert len(collected(write(table("time,power_kw", values)))[0]) == 270
        values = [1.0] * 200 + ["x"] * 100
        path = write(table("time,power_kw", values))
        with pytest.raises(
            SourceError, match=r"100 of 300 rows cannot be read, the first house.*x"
        ):
            collected(path)

    @pytest.mark.parametrize(
        "word", ["nan", "NA", "N/A", "null", "NULL", "None", "-", "unavailable", "unknown", "?", ""]
    )
    def test_words_for_a_missing_value_make_a_gap(self, write, word):
        values = [*WATTS]
        values[10:20] = [word] * 10
        readings, notices = collected(write(table("time,power_w", values)))
        assert len(readings) == 70
        assert notices == []

    def test_a_filled_gap_is_reported(self, write):
        values = [*WATTS, *[0.0] * 60, *WATTS, *[-1.0] * 12, *WATTS]
        _, notices = collected(write(table("time,power_kw", [v / 1000 if v > 0 else v
                                                             for v in values])))  # fmt: skip
        assert [notice.kind for notice in notices] == [Notice.WARNING] * 2
        assert "exactly 0 kW 60 times in a row since 2024-03-12 18:20:00" in notices[0].text
        assert "exactly -1 kW 12 times" in notices[1].text

    def test_a_filled_gap_in_blocks_is_reported(self, write):
        values = [*[1.0] * 5000, *[0.0] * 40, *[1.0] * 5000]
        _, notices = collected(write(table("time,power_kw", values)))
        assert ["exactly 0 kW 40 times" in notice.text for notice in notices] == [True]


@pytest.mark.parametrize("name", [*POWER_TABLES, *ENERGY_TABLES])
def test_a_cut_off_file_gives_readings_or_one_line(write, name):
    text = POWER_TABLES[name] if name in POWER_TABLES else ENERGY_TABLES[name][0]
    for length in range(1, len(text), max(1, len(text) // 12)):
        readings, error = until_error(write(text[:length]), as_minutes=True)
        assert error is None or re.fullmatch(r"[^\n]+", str(error))
        assert all(math.isfinite(reading.kw) for reading in readings)
