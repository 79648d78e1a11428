from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.feeds.address import Address, Credentials, Secret


def test_options_are_read_from_query_and_fragment() -> None:
    address = Address.parse("mqtt://broker:1884/home/power?unit=W&qos=1#sign=export")
    assert (address.scheme, address.host, address.port) == ("mqtt", "broker", 1884)
    assert address.path == "/home/power"
    assert address.options == {"unit": "W", "qos": "1", "sign": "export"}


def test_the_query_of_a_web_address_holds_no_options() -> None:
    address = Address.parse("https://meter/a%20b?id=0&x=%2F#path=power&unit=W")
    assert (address.path, address.query) == ("/a%20b", "id=0&x=%2F")
    assert address.options == {"path": "power", "unit": "W"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("-", "stdin:"),
        ("tail:meter.log?unit=W", "tail:meter.log"),
        ("dsmr:///dev/ttyUSB0", "dsmr:///dev/ttyUSB0"),
        ("mqtt://me:swordfish@broker/a/%23x?unit=W", "mqtt://broker/a/#x"),
        ("modbus://[::1]:502?device=3", "modbus://[::1]:502"),
        ("https://u:swordfish@meter/a?token=swordfish#path=p", "https://meter/a"),
        ("mqtt:/me:swordfish@broker/t", "mqtt:///…@broker/t"),
        ("mqtt:me:sword@fish@broker/t", "mqtt:…@broker/t"),
        ("hass:///me:sword/fish@broker/t", "hass:///…@broker/t"),
        ("tail:/var/log/a@b.log", "tail:///var/log/a%40b.log"),
    ],
)
def test_shown_addresses_have_no_secrets_and_options(url: str, shown: str) -> None:
    assert Address.parse(url).shown == shown


def test_a_secret_is_hidden_in_text_and_repr() -> None:
    for address in (
        Address.parse("mqtt://me:swordfish@broker/t"),
        Address.parse("mqtt://broker/t", Credentials("me", Secret("swordfish"), Secret("fish"))),
    ):
        assert address.credentials.password == Secret("swordfish")
        assert "fish" not in f"{address} {address!r} {address.shown}"


def test_credentials_in_the_url_take_precedence() -> None:
    given_ = Credentials("other", Secret("other"), Secret("token"))
    address = Address.parse("mqtt://me:sword%40fish@broker/t", given_)
    assert address.credentials == Credentials("me", Secret("sword@fish"), Secret("token"))
    assert Address.parse("mqtt://broker/t", given_).credentials == given_


@pytest.mark.parametrize(
    "url", ["", "meter.log", "//broker/t", "mqtt://broker:port/t", "x://[::1", "x:\udcff", "x:\0"]
)
def test_texts_that_are_not_addresses_are_usage_errors(url: str) -> None:
    with pytest.raises(UsageError, match=r"^feed address: |is not a feed address"):
        Address.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "//me:swordfish@broker/t",
        "mqtt://me:swordfish@broker:port/t",
        "mqtt://me:swordfish@broker:99999/t",
        "mqtt://me:swordfish@bro\u2100ker/t",
        "mqtt://me:swordfish@[::1/t",
        "mqtt://me:[swordfish@broker/t",
        "mqtt://me:swordfish/@broker/t",
        "mqtt://me:sword/fish@broker/t?unit=W",
        "mqtt://me:sword#fish@broker/t?unit=W",
        "mqtt://me:sword?fish@broker/t?unit=W",
        "mqtt://sword..fish/@broker/t",
    ],
)
def test_errors_do_not_contain_a_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Address.parse(url)
    text = str(caught.value)
    assert "sword" not in text.replace("password", "")
    assert "fish" not in text
    if not url.startswith("//"):
        assert text.startswith("feed address: its host or port cannot be read; ")
        assert "/ # ? @ in a user or password as %2F %23 %3F %40" in text


def test_a_password_can_have_percent_encoded_characters() -> None:
    address = Address.parse("mqtt://me:s%2Fw%23o%3Fr%40d@broker/t")
    assert address.credentials.password == Secret("s/w#o?r@d")
    assert address.host == "broker"


@pytest.mark.parametrize("host", ["a..b", "..", "a" * 64, f"{'a' * 64}.b", "ä..b"])
def test_an_invalid_host_name_is_a_usage_error(host: str) -> None:
    for scheme in ("mqtt", "http", "modbus", "dsmr", "push"):
        with pytest.raises(UsageError, match="its host or port cannot be read"):
            Address.parse(f"{scheme}://{host}:1000/x")


@pytest.mark.parametrize("host", ["a.", "my_meter.local", "süd.local", "[::1]", "[fe80::1%25eth0]"])
def test_valid_host_names_are_accepted(host: str) -> None:
    assert Address.parse(f"mqtt://{host}/t").host == host.strip("[]")


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_usage_error(text: str) -> None:
    try:
        address = Address.parse(text)
    except UsageError:
        return
    assert address.shown.startswith(address.scheme)


class TestOptions:
    address = Address.parse("modbus://host?every=2.5&word=big&bad=soon&inf=inf")

    def test_numbers_are_read_or_default(self) -> None:
        assert self.address.number("every", 5.0) == 2.5
        assert self.address.number("timeout", 5.0) == 5.0

    @pytest.mark.parametrize("name", ["bad", "inf"])
    def test_other_texts_are_not_numbers(self, name: str) -> None:
        with pytest.raises(UsageError, match=f"modbus://host: option {name}='.*': give a number"):
            self.address.number(name, 1.0)

    def test_an_error_names_the_bounds(self) -> None:
        with pytest.raises(UsageError, match=r"every='2.5': give a number at least 3 at most 9"):
            self.address.number("every", 5.0, least=3, most=9)

    def test_choices_are_limited_to_the_allowed_words(self) -> None:
        assert self.address.choice("word", ("big", "little")) == "big"
        assert self.address.choice("none", ("big", "little"), "little") == "little"
        assert self.address.choice("none", ("big", "little")) is None
        with pytest.raises(UsageError, match="word='big': give high or low"):
            self.address.choice("word", ("high", "low"))

    def test_a_required_option_cannot_be_missing(self) -> None:
        assert self.address.need("word", "it matters") == "big"
        with pytest.raises(UsageError, match="option unit is missing: it matters"):
            self.address.need("unit", "it matters")

    def test_unknown_options_are_usage_errors(self) -> None:
        self.address.check_options(["every", "word", "bad", "inf"])
        with pytest.raises(
            UsageError, match="unknown option 'bad'; known options are every, inf, word"
        ):
            self.address.check_options(["every", "word", "inf"])
