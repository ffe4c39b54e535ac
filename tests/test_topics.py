"""Topic names against the contract's tree and the limits of real services."""

import re

import pytest

from gateway.config import LONGEST_TOPIC, Place
from gateway.events import Kind
from gateway.topics import EVERY_GATEWAY, Topics, ack_for, gateway_of, is_report

PLACE = Place(id="410102011003007", district="410102", street="011", community="003")
TOPICS = Topics(PLACE)
BASE = "cg1/410102/011/003/410102011003007"
UP = [
    TOPICS.batch,
    TOPICS.state,
    TOPICS.health,
    TOPICS.reply,
    TOPICS.device("gate-camera-1"),
    *(TOPICS.event(kind) for kind in Kind),
    *(TOPICS.alarm(kind) for kind in Kind),
]
ALL = [*UP, TOPICS.ack, TOPICS.command, TOPICS.notices]


def test_the_tree_is_the_contracts() -> None:
    assert TOPICS.event(Kind.SCAN) == f"{BASE}/up/event/scan"
    assert TOPICS.alarm(Kind.DOOR) == f"{BASE}/up/alarm/door"
    assert TOPICS.batch == f"{BASE}/up/batch"
    assert TOPICS.ack == f"{BASE}/down/ack"
    assert TOPICS.documents == f"{BASE}/down/document/+"
    assert TOPICS.notices == "cg1/410102/011/003/_all/down/notice"


@pytest.mark.parametrize("topic", ALL)
def test_every_service_takes_every_topic(topic: str) -> None:
    assert len(topic) <= LONGEST_TOPIC
    assert topic.count("/") <= 7
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", level) for level in topic.split("/"))


def test_a_long_device_name_is_found() -> None:
    longest = "d" * (LONGEST_TOPIC - len(TOPICS.device("")))
    assert TOPICS.too_long([longest]) == []
    assert TOPICS.too_long([f"{longest}d"]) == [TOPICS.device(f"{longest}d")]


def test_long_area_names_are_found() -> None:
    place = Place(id="g" * 20, district="d" * 20, street="s" * 20, community="c" * 20)
    assert Topics(place).batch in Topics(place).too_long([])


@pytest.mark.parametrize("topic", UP)
def test_the_centre_knows_who_speaks_and_where_to_answer(topic: str) -> None:
    assert gateway_of(topic) == PLACE.id
    assert ack_for(topic) == TOPICS.ack
    assert topic.startswith(EVERY_GATEWAY.split("/")[0])


@pytest.mark.parametrize("topic", UP)
def test_what_is_no_event_can_be_told_by_its_topic(topic: str) -> None:
    assert is_report(topic) is any(each in topic for each in ("/health", "/device/", "/reply"))


@pytest.mark.parametrize(
    "topic", ["", "cg1", f"{BASE}/up", f"{BASE}/down/ack", f"cg2{BASE[3:]}/up/x"]
)
def test_other_topics_are_nobodys(topic: str) -> None:
    assert gateway_of(topic) is None
