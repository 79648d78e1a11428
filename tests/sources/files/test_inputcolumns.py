"""Files with the channels that a model takes beside the power."""

from contextlib import closing
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import UnitError, UsageError
from streamer.readings import Notice, Reading
from streamer.readings.blocks import ReadingBlock
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay
from streamer.sources.files.layout import ChannelRequest
from tests.sources.files.houses import MINUTE, START, collected, written
from tests.sources.files.test_blockrows import UCI_HEADER, blocks_of

UCI = [
    ChannelRequest(*each)
    for each in (
        ("reactive", "kvar"),
        ("voltage", "V"),
        ("current", "A"),
        ("sub_1", "kW"),
        ("sub_2", "kW"),
        ("sub_3", "kW"),
    )
]


def uci_rows(tails, power="1.5"):
    """Rows of the UCI file with these further columns."""
    at = datetime(2010, 3, 19, 17)
    lines = [f"{at + i * MINUTE:%d/%m/%Y;%H:%M:%S};{power};{tail}" for i, tail in enumerate(tails)]
    return "\n".join([UCI_HEADER, *lines]) + "\n"


def request(name="boiler", unit="kW", column="boiler_w", column_unit=None):
    return ChannelRequest(name, unit, column, column_unit)


def channels_of(path, *requests, **options):
    readings, notices = collected(path, channels=requests, **options)
    return [each.channels for each in readings], notices


def error_of(path, *requests, **options):
    with pytest.raises(UsageError) as caught:
        collected(path, channels=requests, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


class TestUciFile:
    def test_the_columns_become_channels_by_name(self, tmp_path):
        path = tmp_path / "uci.txt"
        path.write_text(uci_rows(["0.418;234.840;18.400;1.000;2.000;17.0"] * 40))
        found, notices = channels_of(path, *UCI)
        assert found == [pytest.approx((0.418, 234.84, 18.4, 0.06, 0.12, 1.02), rel=1e-15)] * 40
        assert notices == []

    def test_only_the_columns_that_are_asked_for_are_read_in_their_order(self, tmp_path):
        path = tmp_path / "uci.txt"
        path.write_text(uci_rows(["bad;234.840;18.400;bad;bad;17.0"] * 40))
        found, _ = channels_of(path, UCI[5], UCI[1])
        assert found == [pytest.approx((1.02, 234.84))] * 40

    def test_without_a_model_that_takes_them_readings_have_none(self, tmp_path):
        path = tmp_path / "uci.txt"
        path.write_text(uci_rows(["?;?;?;?;?;?"] * 40))
        found, notices = channels_of(path)
        assert found == [()] * 40
        assert notices == []

    def test_all_channels_of_the_file_can_be_taken(self):
        with closing(open_replay(sample_path(), all_channels=True, limit=3)) as source:
            (first, *_) = source.read()
        assert first.channels == pytest.approx((0.0, 242.83, 2.8, 0.0, 0.0, 0.06))
        assert [(each.name, each.unit) for each in source.channels] == [
            (each.name, each.unit) for each in UCI
        ]
        assert source.known_channels == tuple(each.name for each in UCI)

    @pytest.mark.parametrize("row", [3, 60])
    def test_a_missing_channel_makes_a_gap_that_is_reported(self, tmp_path, row):
        tails = ["0.418;234.840;18.400;1.000;2.000;17.0"] * 100
        tails[row] = "0.418;?;18.400;1.000;2.000;17.0"
        path = tmp_path / "uci.txt"
        path.write_text(uci_rows(tails))
        readings, notices = collected(path, channels=UCI)
        start = datetime(2010, 3, 19, 17)
        assert [each.at for each in readings] == [
            start + i * MINUTE for i in range(100) if i != row
        ]
        assert notices == [
            f"uci.txt:{row + 2}: voltage is missing at {start + row * MINUTE}: the minute is a gap",
            "uci.txt: 1 minute without voltage is a gap",
        ]
        assert len(channels_of(path, UCI[0])[0]) == 100

    def test_pieces_are_read_as_blocks_with_the_same_results(self):
        assert blocks_of(sample_path(), rows=32, channels=UCI) > 2
        with closing(open_replay(sample_path(), channels=UCI)) as source:
            pieces = list(iter(source.read, []))
        block = next(each for each in pieces if isinstance(each, ReadingBlock))
        assert block.channels.shape == (len(block), 6)

    @given(
        values=st.lists(
            st.tuples(*[st.sampled_from(["0.000", "1.5", "-3", "?", "", "240.12"])] * 7),
            min_size=33,
            max_size=60,
        )
    )
    @settings(max_examples=25, deadline=None)
    def test_any_rows_give_the_same_as_blocks(self, tmp_path_factory, values):
        path = tmp_path_factory.mktemp("uci") / "uci.txt"
        at = datetime(2010, 3, 19, 17)
        lines = [
            f"{at + i * MINUTE:%d/%m/%Y;%H:%M:%S};{';'.join(row)}" for i, row in enumerate(values)
        ]
        path.write_text(
            "\n".join([UCI_HEADER, *["19/3/2010;16:59:00;1;1;1;1;1;1;1"], *lines]) + "\n"
        )
        blocks_of(path, channels=[UCI[2], UCI[0], UCI[4]], chunk_bytes=900)


class TestNamedColumns:
    def test_units_are_converted_by_their_names(self, tmp_path):
        header = "time;power_w;Q_var;I_mA;U_kV;boiler_w;pump"
        rows = [(500 + i, 250, 2300, 0.23, 1500, 1) for i in range(40)]
        path = written(tmp_path / "house.csv", header, rows)
        found, _ = channels_of(
            path,
            request("reactive", "kvar", "Q_var"),
            request("current", "A", "I_mA"),
            request("voltage", "V", "u_kv"),
            request("boiler", "kW", "6"),
        )
        assert found == [pytest.approx((0.25, 2.3, 230.0, 1.5))] * 40

    def test_energies_become_mean_powers(self, tmp_path):
        rows = [(500, 0.02 if i % 2 else 0.01) for i in range(60)]
        path = written(tmp_path / "house.csv", "time;power_w;boiler_kwh", rows)
        found, notices = channels_of(path, request(column="boiler_kwh"))
        assert found[:2] == [pytest.approx((0.6,)), pytest.approx((1.2,))]
        assert "'boiler_kwh' is the energy of each interval" in notices[0]

    def test_finer_rows_are_averaged(self, tmp_path):
        rows = [(500, 230 + i % 2) for i in range(120)]
        path = written(tmp_path / "house.csv", "time;power_w;voltage", rows, timedelta(seconds=30))
        found, _ = channels_of(path, request("voltage", "V", "voltage"))
        assert found == [(230.5,)] * 60

    def test_json_lines_have_channels(self, tmp_path):
        path = tmp_path / "house.jsonl"
        path.write_text(
            "".join(
                f'{{"time": "{START + i * MINUTE:%Y-%m-%dT%H:%M:%S}", "power_w": 500, '
                f'"ac": {{"voltage": {230 + i}}}}}\n'
                for i in range(40)
            )
        )
        found, _ = channels_of(path, request("voltage", "V", "ac.voltage"))
        assert found == [(230.0 + i,) for i in range(40)]

    def test_values_may_have_their_unit(self, tmp_path):
        path = written(tmp_path / "a.csv", "time;power_w;u", [(500, "231 V")] * 40)
        assert channels_of(path, request("voltage", "V", "u"))[0] == [(231.0,)] * 40

    def test_solar_power_and_channels_can_be_in_one_stream(self, tmp_path):
        rows = [(-500, 1500, 230 + i % 3) for i in range(80)]
        rows[50] = (-500, "", 230)
        path = written(tmp_path / "house.csv", "time;grid_w;pv_w;voltage", rows)
        readings, notices = collected(
            path, column="grid_w", solar="pv_w", channels=[request("voltage", "V", "voltage")]
        )
        assert len(readings) == 79
        assert readings[4] == Reading(START + 4 * MINUTE, -0.5, 1.5, None, (231.0,))
        assert "house.csv: 1 minute without solar power is a gap" in notices
        options = {"solar": "pv_w", "channels": [request("voltage", "V", "voltage")]}
        assert blocks_of(path, column="grid_w", chunk_bytes=900, **options) > 0

    def test_a_decimal_comma_is_read(self, tmp_path):
        path = written(tmp_path / "a.csv", "time;power_w;u", [("500,5", "231,25")] * 40)
        assert channels_of(path, request("voltage", "V", "u"))[0] == [(231.25,)] * 40


class TestErrors:
    @pytest.fixture
    def path(self, tmp_path):
        header = "time;power_w;Q;Q_var;Voltage;boiler;boiler_w"
        rows = [(500 + i, 130 + i, 1, 230, 900 + i, 900) for i in range(40)]
        return written(tmp_path / "house.csv", header, rows)

    def test_channels_without_a_column_are_listed_in_one_line(self, path):
        assert error_of(path, request("reactive", "kvar", None), request(), UCI[1]) == (
            "house.csv has the columns time, power_w, Q, Q_var, Voltage, boiler, boiler_w; the "
            "model takes reactive (kvar), voltage (V) beside the power (--model sceaux takes the "
            "power alone); choose one by name or number: --channel reactive=NAME --channel "
            "voltage=NAME"
        )

    @pytest.mark.parametrize(
        ("asked", "text"),
        [
            (request(column="nothing"), "--channel boiler='nothing' is not among them; choose one"),
            (request(column="9"), "--channel boiler='9' is not among them"),
            (request(column="power_w"), "the power at the grid connection and boiler cannot be"),
            (request(column="time"), "the time and boiler cannot be the same column"),
            (request(column="boiler"), "has no unit (its median is 919.5): give --channel boiler="),
            (request("reactive", "kvar", "Q"), "'Q' has no unit: give --channel reactive=Q:var"),
            (
                request("voltage", "V", "Q_var"),
                "column 'Q_var' is reactive power by its name, but the model takes voltage in V; "
                "if it is that anyway, give --channel voltage=Q_var:V",
            ),
            (request("voltage", "V", "boiler_w"), "column 'boiler_w' is power by its name"),
            (request(column="Voltage"), "column 'Voltage' is voltage by its name"),
            (
                request("voltage", "V", "Voltage", "kW"),
                "--channel voltage=Voltage:kW: voltage cannot be in 'kW', since the model takes it "
                "in V; give one of V, mV, kV",
            ),
        ],
    )
    def test_wrong_columns_are_errors_of_one_line(self, path, asked, text):
        assert text in error_of(path, asked, column="power_w")

    def test_a_unit_that_is_given_settles_it(self, path):
        found, _ = channels_of(
            path,
            request("reactive", "kvar", "Q", "var"),
            request(column="boiler", column_unit="W"),
            request("volts", "V", "Q_var", "V"),
        )
        assert found[0] == pytest.approx((0.13, 0.9, 1.0))

    def test_powers_of_a_channel_beyond_a_house_are_an_error(self, path):
        with pytest.raises(UnitError, match=r"give --channel boiler=boiler:W"):
            collected(path, channels=[request(column="boiler", column_unit="kW")])

    def test_a_number_that_is_none_is_a_malformed_row(self, path):
        text = path.read_text().replace(";230;", ";x230;", 1)
        path.write_text(text)
        items = []
        with closing(open_replay(path, channels=[request("voltage", "V", "Voltage")])) as source:
            while piece := source.read():
                items += piece
        (notice,) = [item for item in items if isinstance(item, Notice)]
        assert notice.kind == Notice.MALFORMED
        assert "house.csv:2: voltage 'x230' is not a number" in notice.text
        assert source.readings == 39


def test_numbers_of_blocks_are_those_of_python(tmp_path):
    rng = np.random.default_rng(0)
    texts = [[f"{value:.3f}" for value in row] for row in rng.normal(0, 100, (60, 3))]
    path = written(tmp_path / "a.csv", "time,power_w,u,i", texts, delimiter=",")
    found, _ = channels_of(path, request("voltage", "V", "u"), request("current", "A", "i"))
    assert found == [(float(u), float(i)) for _, u, i in texts]
