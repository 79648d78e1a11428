"""What is published when, with an injected clock and without a broker."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.publishing import WatchedMeter
from streamer.publishing.mqtt.backlog import MAX_WAITING, Backlog
from streamer.publishing.mqtt.desk import GONE
from streamer.publishing.mqtt.meter import POWER_EVERY_S, SETTLE
from streamer.publishing.mqtt.topics import Message
from streamer.readings import Link, Sample
from streamer.sinks.items import About
from streamer.sinks.text import json_line
from tests.publishing.mqtt.made import (
    HOUSE,
    MINUTE,
    START,
    Publication,
    payloads,
    steps,
    stuck_steps,
)

ABOUT = About("meter", "homes")
UP = Link(Link.UP, "meter")


def _waiting(publication: Publication) -> list[Message]:
    """The messages that have to arrive, taken as arrived."""
    found = []
    while (waiting := publication.desk.backlog.first()) is not None:
        publication.desk.backlog.arrived(waiting)
        found.append(waiting.message)
    return found


def _topics(messages: list[Message]) -> list[str]:
    return [message.topic for message in messages]


def _config(name: str) -> str:
    return f"homeassistant/sensor/streamer_house/{name}/config"


def test_nothing_is_online_before_a_meter_is_known() -> None:
    publication = Publication()
    assert publication.published() == []
    publication.take(ABOUT)
    messages = publication.published()
    assert messages[-1] == Message("streamer/status", "online", qos=1, retain=True)
    assert payloads(messages)["streamer/house/status"] == "offline"
    assert json.loads(payloads(messages)["streamer/house/state"])["status"] == "waiting"


def test_the_first_step_announces_the_meter_and_then_publishes_its_state() -> None:
    publication = Publication()
    publication.take(ABOUT)
    publication.published()
    step = steps(1)[0]
    publication.take(step)
    messages = publication.published()
    topics = _topics(messages)
    assert topics.index(_config("next")) < topics.index("streamer/house/status")
    assert topics.index("streamer/house/status") < topics.index("streamer/house/entities")
    found = payloads(messages)
    assert found["streamer/house/status"] == "online"
    state = json.loads(found["streamer/house/state"])
    assert (state["status"], state["step"]["actual_kw"]) == ("fresh", 0.3)
    assert json.loads(found["streamer/house/power"])["kw"] == 0.3
    (minute,) = _waiting(publication)
    assert minute == Message("streamer/house/minute", json_line(step, (5, 15)), qos=1)


def test_only_announcements_and_availability_are_retained() -> None:
    publication = Publication()
    publication.take(ABOUT, UP, *steps(60))
    messages = [*publication.published(), *_waiting(publication), *publication.desk.farewell()]
    kept = {message.topic for message in messages if message.retain}
    assert kept - {"streamer/status"} == {topic for topic in kept if topic.endswith("/config")}
    assert len(kept) > 10


def test_new_entities_get_the_state_again_when_they_have_subscribed() -> None:
    publication = Publication()
    publication.take(steps(1)[0])
    publication.published()
    assert publication.desk.next_due(publication.now) == publication.now + SETTLE
    again = publication.after(SETTLE.total_seconds())
    assert "streamer/house/entities" in _topics(again)
    assert not [topic for topic in _topics(again) if topic.endswith("/config")]
    assert publication.published() == []


def test_a_silent_meter_becomes_unavailable_by_itself() -> None:
    publication = Publication()
    publication.take(UP, *steps(2))
    publication.published()
    publication.after(SETTLE.total_seconds())
    stale_at = publication.state.stale_at()
    assert stale_at is not None
    publication.now = START + GONE
    assert publication.desk.next_due(publication.now) == stale_at
    publication.now = stale_at - timedelta(microseconds=1)
    assert publication.published() == []
    publication.now = stale_at
    found = payloads(publication.published())
    assert found["streamer/house/status"] == "offline"
    assert json.loads(found["streamer/house/state"])["status"] == "stale"
    assert json.loads(found["streamer/house/power"]) == {"kw": None, "at": None}
    assert "streamer/house/entities" not in found
    assert publication.desk.next_due(publication.now) is None


def test_minutes_of_the_past_are_published_as_minutes_but_not_as_the_present() -> None:
    publication = Publication()
    publication.take(ABOUT)
    publication.published()
    old = steps(3)
    for step in old:
        publication.take(step)
        publication.now = START + timedelta(hours=20)
    found = payloads(publication.published())
    assert found["streamer/house/status"] == "offline"
    assert "streamer/house/entities" not in found
    assert len(_waiting(publication)) == 3


def test_minutes_older_than_a_day_are_not_published() -> None:
    publication = Publication()
    publication.take(ABOUT)
    publication.now = START + timedelta(days=2)
    step = steps(1)[0]
    publication.desk.take(replace(publication.state, step=step), step, publication.now)
    assert _waiting(publication) == []


def test_samples_give_the_power_at_most_every_few_seconds() -> None:
    publication = Publication()
    publication.take(UP, steps(1)[0], Sample(1.0))
    assert json.loads(payloads(publication.published())["streamer/house/power"])["kw"] == 1.0
    publication.take(Sample(2.0), Sample(230.0, channel="voltage"))
    assert publication.published() == []
    assert publication.desk.next_due(publication.now) == publication.now + timedelta(
        seconds=POWER_EVERY_S
    )
    (power,) = [each for each in publication.after(POWER_EVERY_S) if each.topic.endswith("power")]
    assert json.loads(power.payload) == {"kw": 2.0, "at": None}


def test_a_power_that_the_meter_does_not_know_is_unknown() -> None:
    publication = Publication()
    publication.take(steps(1)[0], Sample(float("nan")))
    assert json.loads(payloads(publication.published())["streamer/house/power"])["kw"] is None


def test_a_sample_of_the_past_is_not_the_present_power() -> None:
    publication = Publication()
    publication.take(steps(1)[0], Sample(2.0, at=START - timedelta(hours=1)))
    assert json.loads(payloads(publication.published())["streamer/house/power"])["kw"] == 0.3


def test_the_connection_is_published_with_its_reason() -> None:
    publication = Publication()
    publication.take(UP, steps(1)[0])
    link = json.loads(payloads(publication.published())["streamer/house/link"])
    assert link["connected"] == "ON"
    publication.take(Link(Link.LOST, "meter", "timed out"))
    link = json.loads(payloads(publication.published())["streamer/house/link"])
    assert link["connected"] == "OFF"
    assert link["attributes"]["connected"]["text"] == "timed out"


def test_alarms_are_events_when_they_are_raised_and_over() -> None:
    publication = Publication()
    publication.take(*stuck_steps())
    alarms = [
        json.loads(message.payload)
        for message in _waiting(publication)
        if message.topic == "streamer/house/alarm"
    ]
    assert [(each["change"], each["kind"]) for each in alarms] == [
        ("raised", "stuck"),
        ("over", "stuck"),
    ]
    assert alarms[0]["at"] == alarms[1]["at"] == alarms[0]["minute"]
    assert alarms[1]["minute"] > alarms[0]["minute"]


def test_a_start_of_home_assistant_gets_everything_after_a_short_wait() -> None:
    publication = Publication()
    publication.take(UP, *steps(2))
    publication.published()
    publication.after(SETTLE.total_seconds())
    publication.desk.heard("homeassistant/status", "offline", retained=False, now=publication.now)
    assert publication.published() == []
    publication.desk.heard("homeassistant/status", "online", retained=False, now=publication.now)
    assert publication.published() == []
    found = payloads(publication.after(1.0))
    assert _config("next") in found
    assert "streamer/house/entities" in found


def test_a_new_session_gets_everything() -> None:
    publication = Publication()
    publication.take(UP, *steps(2))
    before = payloads(publication.published())
    publication.desk.connected()
    assert set(payloads(publication.published())) == set(before)


def test_the_last_will_of_an_earlier_connection_is_corrected() -> None:
    publication = Publication()
    publication.take(*steps(1))
    publication.published()
    publication.desk.heard("streamer/status", "offline", retained=False, now=publication.now)
    assert publication.published() == [Message("streamer/status", "online", qos=1, retain=True)]


def test_without_discovery_nothing_is_announced() -> None:
    publication = Publication("mqtt://broker?discovery=no")
    publication.take(*steps(2))
    assert not [each for each in _topics(publication.published()) if "homeassistant" in each]
    assert publication.desk.subscriptions == ["streamer/status"]


def test_the_topic_of_home_assistant_is_heard_with_any_discovery_topic() -> None:
    desk = Publication("mqtt://broker/home?discovery=ha").desk
    assert desk.subscriptions == [
        "home/status",
        "ha/status",
        "homeassistant/status",
        "ha/+/+/+/config",
        "ha/device/+/config",
    ]


def _kept(publication: Publication, messages: list[Message]) -> None:
    """Let a broker return what it has retained of messages."""
    kept = {each.topic: each.payload for each in messages if each.retain}
    for topic, payload in kept.items():
        if payload and topic.endswith("/config"):
            publication.desk.heard(topic, payload, retained=True, now=publication.now)


def _announced(url: str = "mqtt://broker", meter: WatchedMeter = HOUSE) -> list[Message]:
    """Everything that an earlier run has published."""
    publication = Publication(url, meter)
    publication.take(*steps(2))
    return publication.published()


def test_an_entity_that_the_meter_no_longer_has_is_removed() -> None:
    publication = Publication(meter=replace(HOUSE, horizons=(5,)))
    _kept(publication, _announced())
    publication.take(ABOUT)
    assert not [each for each in publication.published() if each.topic.endswith("config")]
    publication.take(*steps(2))
    removed = [each for each in publication.published() if not each.payload]
    assert removed == [Message(_config("mean_15"), "", qos=1, retain=True)]


def test_a_meter_that_is_gone_is_removed_after_a_while_and_others_are_left() -> None:
    publication = Publication()
    garage = _announced(meter=replace(HOUSE, key="garage"))
    _kept(publication, garage)
    others = _announced("mqtt://broker/streamer/garage")
    _kept(publication, others)
    publication.take(*steps(2))
    assert not [each for each in publication.published() if not each.payload]
    removed = [each for each in publication.after(GONE.total_seconds()) if not each.payload]
    assert set(_topics(removed)) == {
        each.topic for each in garage if each.topic.endswith("/config")
    }
    assert not [each for each in publication.after(60.0) if not each.payload]


DEVICE = "homeassistant/device/streamer_house/config"
PER_DEVICE = "mqtt://broker?discovery_payload=device"


MIGRATE = '{"migrate_discovery": true}'


def test_a_device_replaces_the_payloads_of_its_entities() -> None:
    publication = Publication(PER_DEVICE)
    before = _announced()
    _kept(publication, before)
    publication.take(*steps(2))
    old = {each.topic for each in before if each.topic.endswith("/config")}
    first = [each for each in publication.published() if each.topic.endswith("/config")]
    assert {each.topic for each in first} == old
    assert {(each.payload, each.retain) for each in first} == {(MIGRATE, False)}
    *removed, device = [
        each for each in publication.after(SETTLE.total_seconds()) if each.topic.endswith("/config")
    ]
    assert device.topic == DEVICE
    assert {(each.payload, each.retain) for each in removed} == {("", True)}
    assert {each.topic for each in removed} == old
    assert not [each for each in publication.after(60.0) if each.topic.endswith("/config")]


def test_payloads_of_entities_replace_their_device() -> None:
    publication = Publication()
    _kept(publication, _announced(PER_DEVICE))
    publication.take(*steps(2))
    first = [each for each in publication.published() if each.topic.endswith("/config")]
    assert first == [Message(DEVICE, MIGRATE, qos=1)]
    removed, *_ = [
        each for each in publication.after(SETTLE.total_seconds()) if each.topic.endswith("/config")
    ]
    assert removed == Message(DEVICE, "", qos=1, retain=True)


def test_what_a_device_no_longer_has_is_named_once_for_removal() -> None:
    publication = Publication(PER_DEVICE, replace(HOUSE, horizons=(5,)))
    _kept(publication, _announced(PER_DEVICE))
    publication.take(*steps(2))
    configs = [json.loads(each.payload) for each in publication.published() if each.topic == DEVICE]
    first, last = (config["components"] for config in configs)
    assert first.pop("mean_15") == {"platform": "sensor"}
    assert first == last
    assert "mean_15" not in last


def test_the_end_of_a_stream_is_not_the_present() -> None:
    publication = Publication()
    publication.take(*steps(2))
    publication.published()
    publication.take(None)
    found = payloads(publication.published())
    assert found["streamer/house/status"] == "offline"
    assert json.loads(found["streamer/house/state"])["status"] == "ended"


def test_the_farewell_marks_everything_as_offline() -> None:
    publication = Publication()
    assert publication.desk.farewell() == []
    publication.take(*steps(2))
    publication.published()
    assert payloads(publication.desk.farewell()) == {
        "streamer/status": "offline",
        "streamer/house/status": "offline",
    }


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda each: (
        st.lists(each)
        | st.dictionaries(
            st.sampled_from(["origin", "device", "name", "identifiers", "components", "platform"]),
            each,
        )
    ),
)


@settings(max_examples=30)
@given(
    payload=_JSON.map(json.dumps) | st.text(),
    retained=st.booleans(),
    topic=st.sampled_from([_config("next"), DEVICE, "homeassistant/status", "streamer/status"]),
)
def test_nothing_that_is_heard_stops_the_publication(
    payload: str, retained: bool, topic: str
) -> None:
    for url in ("mqtt://broker", PER_DEVICE):
        publication = Publication(url)
        publication.desk.heard(topic, payload, retained=retained, now=START)
        publication.take(*steps(2))
        assert payloads(publication.published())["streamer/house/status"] == "online"


@given(st.lists(st.sampled_from(["a", "b", "take"]), max_size=60))
def test_a_backlog_keeps_the_latest_of_each_meter_in_order(actions: list[str]) -> None:
    """Against lists, of which the ends are taken."""
    backlog, most = Backlog(most=3), 3
    expected: dict[str, list[str]] = {"a": [], "b": []}
    dropped = 0
    for number, action in enumerate(actions):
        if action == "take":
            waiting = backlog.first()
            if waiting is None:
                assert not any(expected.values())
                continue
            assert waiting.message.payload == expected[waiting.key].pop(0)
            backlog.arrived(waiting)
        else:
            backlog.put(action, Message("topic", str(number)))
            expected[action].append(str(number))
            dropped += len(expected[action]) > most
            expected[action] = expected[action][-most:]
        assert len(backlog) == sum(map(len, expected.values()))
    assert backlog.dropped() == dropped
    assert backlog.dropped() == 0


def test_a_message_that_is_dropped_while_it_is_sent_takes_no_other_with_it() -> None:
    backlog = Backlog(most=1)
    backlog.put("house", Message("topic", "1"))
    waiting = backlog.first()
    backlog.put("house", Message("topic", "2"))
    assert waiting is not None
    backlog.arrived(waiting)
    assert len(backlog) == 1


def test_a_day_of_minutes_waits() -> None:
    assert timedelta(days=1) == MAX_WAITING * MINUTE
