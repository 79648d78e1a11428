"""Tests of `--tariff`: what it sets, and what is said where it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.commands.demand import demand_rule
from streamer.commands.tariff import find_tariff
from streamer.demand.settings import DemandRule
from tests.cli.running import run

HOURS = "[peak]\nprice_per_kw_month = 4.05\nvat_percent = 25\nminutes = 60\nnet = true\n"


def _rule(length: str | None, tariff: str | None) -> DemandRule | None:
    return demand_rule(length, limit_kw=None, alarms_per_month=3.0, tariff=find_tariff(tariff))


def test_demand_intervals_are_those_of_the_tariff_unless_given(tmp_path: Path) -> None:
    path = tmp_path / "hours.toml"
    path.write_text('currency = "SEK"\n' + HOURS, encoding="utf-8")
    hours = DemandRule(60, net=True, price_per_kw_year=60.75, currency="SEK")
    assert _rule(None, str(path)) == hours
    quarters = DemandRule(15, net=True, price_per_kw_year=60.75, currency="SEK")
    assert _rule("15", str(path)) == quarters
    assert _rule("none", str(path)) is None
    assert _rule(None, "vlaanderen") == DemandRule(15, floor_kw=2.5, price_per_kw_year=56.74)


def test_without_a_peak_charge_they_are_quarter_hours(tmp_path: Path) -> None:
    path = tmp_path / "fixed.toml"
    path.write_text("[energy]\nprice = 0.3\n", encoding="utf-8")
    assert _rule(None, str(path)) == _rule(None, None) == DemandRule()
    assert _rule("60", str(path)) == DemandRule(60)


@pytest.mark.parametrize("command", [("replay",), ("watch", "tail:meter.log?unit=W")])
def test_a_tariff_that_cannot_be_used_is_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text("[peak]\nprice_per_kw_year = 56\nfloor = 2.5\n", encoding="utf-8")
    here = {"XDG_CONFIG_HOME": str(tmp_path)}
    ended = run(*command, "--tariff", path, "-q", environment=here)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"streamer: error: {path}: [peak] floor: unknown key; did you mean floor_kw?\n"
    )


def test_the_settings_are_checked_with_their_tariff_and_its_prices(tmp_path: Path) -> None:
    settings, tariff = tmp_path / "streamer.toml", tmp_path / "t.toml"
    settings.write_text(
        f'[watch]\nurl = "tail:meter.log?unit=W"\ntariff = "{tariff}"\n', encoding="utf-8"
    )
    tariff.write_text(
        'zone = "Europe/Brussels"\n[energy]\nfile = "prices.csv"\nunit = "MWh"\n', encoding="utf-8"
    )
    prices = tmp_path / "prices.csv"
    prices.write_text("2026-10-25 00:00,85.10\n2026-10-25 01:00,n/a\nx,1\n", encoding="utf-8")
    ended = run("config", "--check", "--config", settings)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"streamer: error: {prices}:3: 'x' is not a time; write it like 2026-10-25T02:00+02:00\n"
    )
    prices.write_text("2026-10-25 00:00,85.10\n", encoding="utf-8")
    ended = run("config", "--check", "--config", settings)
    assert (ended.code, ended.out) == (0, f"{settings}: all right\n")
