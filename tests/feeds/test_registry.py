from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from streamer.commands import sources as command
from streamer.errors import MissingExtraError, SourceError, UsageError
from streamer.feeds import Feed, FeedItem, FeedKind, registry
from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.registry import GROUP, is_installed, load_kind, open_feed, schemes
from streamer.readings import Sample

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


class ConstantFeed:
    """A feed of one constant value, as a plug-in might define it."""

    def __init__(self, address: Address) -> None:
        self.name = address.shown

    def read(self) -> list[FeedItem]:
        return [Sample(0.5)]

    def close(self) -> None:
        pass


KIND = FeedKind("a fixed value", "fixed:", ConstantFeed, options={"colour": "of the meter"})
NEEDY = FeedKind("nothing", "needy:", ConstantFeed, modules=("no_such_module",), extra="needy")
STRANGE = FeedKind("nothing", "strange:", ConstantFeed, modules=("no_such.module",))
NO_KIND = ConstantFeed


@pytest.fixture
def plug_ins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = {"fixed": "KIND", "needy": "NEEDY", "strange": "STRANGE", "odd": "NO_KIND", "gone": "X"}
    points = {name: EntryPoint(name, f"{__name__}:{what}", GROUP) for name, what in names.items()}
    points["broken"] = EntryPoint("broken", "broken_plug_in:KIND", GROUP)
    (tmp_path / "broken_plug_in.py").write_text("raise ZeroDivisionError('three\\nlines\\nhere')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "schemes", lambda: points)


def test_installed_entry_points_match_the_project_file() -> None:
    if not PROJECT.exists():
        pytest.skip("no pyproject.toml beside the tests")
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    registered = project["entry-points"][GROUP]
    ours = {name: point.value for name, point in schemes().items() if point.name in registered}
    assert ours == registered


@pytest.mark.parametrize("scheme", sorted(schemes()))
def test_each_kind_opens_its_example(scheme: str) -> None:
    kind = load_kind(scheme)
    assert kind.about
    assert kind.about[0] != " "
    assert kind.stale_after_s > 0
    address = Address.parse(kind.example, Credentials("me", Secret("swordfish"), Secret("token")))
    assert schemes()[address.scheme].load() is kind
    if not is_installed(kind):
        pytest.skip(f"{kind.extra} is not installed")
    feed = open_feed(address)
    assert isinstance(feed, Feed)
    assert feed.name
    assert "swordfish" not in feed.name
    feed.close()
    assert not feed.read()


def test_a_feed_without_solar_power_names_those_with_it() -> None:
    with pytest.raises(UsageError) as caught:
        open_feed(Address.parse("dsmr:///dev/ttyUSB0?solar=1"))
    text = str(caught.value)
    assert text.startswith(
        "dsmr:///dev/ttyUSB0: option solar: this feed has the power at the grid connection "
        "alone; solar power can be given with "
    )
    others = set(text.replace(",", "").split())
    assert {"hass:", "modbus:", "mqtt:", "push:"} <= others
    assert not others & {"dsmr:", "homewizard:", "sml:"}


@pytest.mark.usefixtures("plug_ins")
class TestPlugIns:
    def test_plug_in_is_opened_by_its_scheme(self) -> None:
        feed = open_feed(Address.parse("fixed:meter?colour=red"))
        assert feed.name == "fixed:meter"
        assert feed.read() == [Sample(0.5)]

    def test_unknown_schemes_and_options_are_usage_errors(self) -> None:
        with pytest.raises(
            UsageError, match="unknown feed scheme 'fxed'; known schemes are fixed, "
        ):
            open_feed(Address.parse("fxed:"))
        with pytest.raises(
            UsageError, match="fixed:meter: unknown option 'unit'; known options are colour"
        ):
            open_feed(Address.parse("fixed:meter?unit=W"))

    def test_a_missing_library_names_the_extra_or_the_module(self) -> None:
        with pytest.raises(MissingExtraError, match=r"pip install 'streamer-forecaster\[needy\]'"):
            open_feed(Address.parse("needy:"))
        with pytest.raises(UsageError, match=r"the feed strange needs no_such.module"):
            open_feed(Address.parse("strange:"))

    def test_a_plug_in_that_cannot_be_loaded_raises_a_source_error(self) -> None:
        with pytest.raises(SourceError, match="is not a FeedKind"):
            load_kind("odd")
        with pytest.raises(SourceError, match="cannot be loaded: AttributeError: "):
            load_kind("gone")
        with pytest.raises(SourceError) as caught:
            load_kind("broken")
        assert str(caught.value) == (
            "the feed broken (broken_plug_in:KIND) cannot be loaded: "
            "ZeroDivisionError: three lines here"
        )

    def test_a_broken_plug_in_is_listed_with_its_error(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(command, "schemes", registry.schemes)
        monkeypatch.setenv("COLUMNS", "200")
        command.list_sources()
        out = capsys.readouterr().out
        assert "a fixed value" in out
        assert "cannot be loaded: ZeroDivisionError: three lines here" in out
