import logging
import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from core import clock
from core.db import make_sessions
from core.errors import NotFound, YimaError
from identity.models import Brand
from members import code
from members.code import Confirmation, confirm, request
from members.errors import BadPhone, MalformedCode, NoLiveCode, TooManyCodes, WrongCode
from members.models import OneTimeCode
from tests.factories import NOON, brand

SECRET = bytes(range(32))
PHONE = "13812345678"


class Phones:
    """A sender that remembers the messages, as the phones' owners would."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, str, str]] = []

    def send(self, phone: str, code: str, brand_name: str, language: str) -> None:
        self.messages.append((phone, code, brand_name, language))

    @property
    def last_code(self) -> str:
        return self.messages[-1][1]


class BrokenSender:
    def send(self, phone: str, code: str, brand_name: str, language: str) -> None:
        raise YimaError


@pytest.fixture
def phones() -> Phones:
    return Phones()


@pytest.fixture
def home(session: Session) -> Brand:
    return brand(session, name_zh="青梅", name_en="Plum")


def _wrong(right: str) -> str:
    return f"{(int(right) + 1) % 1_000_000:06d}"


def test_the_code_that_was_sent_confirms_the_phone_once(
    session: Session, home: Brand, phones: Phones
):
    request(session, home.id, "138 1234 5678", phones, SECRET, language="en")
    [(phone, sent, name, language)] = phones.messages
    assert (phone, name, language) == ("+8613812345678", "Plum", "en")
    assert len(sent) == 6
    assert sent.isdigit()
    assert confirm(session, home.id, PHONE, sent, SECRET).confirmed
    again = confirm(session, home.id, PHONE, sent, SECRET)
    assert isinstance(again.refusal, NoLiveCode)


def test_a_code_may_be_typed_with_blanks_or_full_width(
    session: Session, home: Brand, phones: Phones
):
    request(session, home.id, PHONE, phones, SECRET)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in phones.last_code)
    assert confirm(session, home.id, PHONE, f" {wide[:3]} {wide[3:]} ", SECRET).confirmed


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "12345\x00", "١٢٣٤٥٦"])
def test_what_is_no_code_is_refused_and_costs_no_attempt(
    session: Session, home: Brand, phones: Phones, typed: str
):
    request(session, home.id, PHONE, phones, SECRET)
    with pytest.raises(MalformedCode):
        confirm(session, home.id, PHONE, typed, SECRET)
    assert session.scalar(select(OneTimeCode.attempts)) == 0


def test_the_fifth_wrong_attempt_ends_a_code(session: Session, home: Brand, phones: Phones):
    request(session, home.id, PHONE, phones, SECRET)
    wrong = _wrong(phones.last_code)
    results = [confirm(session, home.id, PHONE, wrong, SECRET) for _ in range(5)]
    assert [result.attempts_left for result in results] == [4, 3, 2, 1, 0]
    assert isinstance(results[0].refusal, WrongCode)
    assert isinstance(results[4].refusal, NoLiveCode)
    assert not confirm(session, home.id, PHONE, phones.last_code, SECRET).confirmed


def test_after_four_wrong_attempts_the_right_one_still_counts(
    session: Session, home: Brand, phones: Phones
):
    request(session, home.id, PHONE, phones, SECRET)
    for _ in range(4):
        confirm(session, home.id, PHONE, _wrong(phones.last_code), SECRET)
    assert confirm(session, home.id, PHONE, phones.last_code, SECRET) == Confirmation(True)


@pytest.mark.parametrize(("seconds", "confirmed"), [(299, True), (300, False)])
def test_a_code_lives_five_minutes(
    session: Session, home: Brand, phones: Phones, seconds: int, confirmed: bool
):
    with clock.fixed(NOON):
        request(session, home.id, PHONE, phones, SECRET)
    with clock.fixed(NOON + timedelta(seconds=seconds)):
        result = confirm(session, home.id, PHONE, phones.last_code, SECRET)
    assert result.confirmed is confirmed


def test_a_newer_code_replaces_the_older(session: Session, home: Brand, phones: Phones):
    with clock.fixed(NOON):
        request(session, home.id, PHONE, phones, SECRET)
        older = phones.last_code
    with clock.fixed(NOON + timedelta(seconds=60)):
        while phones.last_code == older:  # one in a million
            session.query(OneTimeCode).update({"sent_at": NOON - timedelta(seconds=60)})
            request(session, home.id, PHONE, phones, SECRET)
        assert not confirm(session, home.id, PHONE, older, SECRET).confirmed
        assert confirm(session, home.id, PHONE, phones.last_code, SECRET).confirmed


def test_a_code_confirms_no_other_phone_and_at_no_other_brand(
    session: Session, home: Brand, phones: Phones
):
    request(session, home.id, PHONE, phones, SECRET)
    other = brand(session)
    assert not confirm(session, home.id, "13912345678", phones.last_code, SECRET).confirmed
    assert not confirm(session, other.id, PHONE, phones.last_code, SECRET).confirmed
    assert confirm(session, home.id, PHONE, phones.last_code, SECRET).confirmed


def test_a_second_code_within_a_minute_waits(session: Session, home: Brand, phones: Phones):
    with clock.fixed(NOON):
        request(session, home.id, PHONE, phones, SECRET)
    with clock.fixed(NOON + timedelta(seconds=20)), pytest.raises(TooManyCodes) as refusal:
        request(session, home.id, PHONE, phones, SECRET)
    assert refusal.value.facts == {"wait_seconds": 40}
    with clock.fixed(NOON + timedelta(seconds=20)):
        request(session, home.id, "13912345678", phones, SECRET)
    with clock.fixed(NOON + timedelta(seconds=60)):
        request(session, home.id, PHONE, phones, SECRET)
    assert len(phones.messages) == 3


def test_a_sixth_code_within_an_hour_waits(session: Session, home: Brand, phones: Phones):
    for minute in range(0, 50, 10):
        with clock.fixed(NOON + timedelta(minutes=minute)):
            request(session, home.id, PHONE, phones, SECRET)
    with clock.fixed(NOON + timedelta(minutes=50)), pytest.raises(TooManyCodes) as refusal:
        request(session, home.id, PHONE, phones, SECRET)
    assert refusal.value.facts == {"wait_seconds": 600}
    with clock.fixed(NOON + timedelta(minutes=60)):
        request(session, home.id, PHONE, phones, SECRET)


def test_one_source_can_not_send_messages_to_ever_more_phones(
    session: Session, home: Brand, phones: Phones
):
    numbers = [f"138{number:08d}" for number in range(code.PER_SOURCE + 1)]
    with clock.fixed(NOON):
        for number in numbers[:-1]:
            request(session, home.id, number, phones, SECRET, source="a digest")
        with pytest.raises(TooManyCodes):
            request(session, home.id, numbers[-1], phones, SECRET, source="a digest")
        request(session, home.id, numbers[-1], phones, SECRET, source="another")


def test_a_bad_phone_or_an_unknown_brand_is_sent_nothing(
    session: Session, home: Brand, phones: Phones
):
    with pytest.raises(BadPhone):
        request(session, home.id, "12345", phones, SECRET)
    with pytest.raises(NotFound):
        request(session, home.id + 1_000_000, PHONE, phones, SECRET)
    assert phones.messages == []


def test_a_code_that_could_not_be_sent_is_not_counted(engine: Engine, phones: Phones):
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        home_id = brand(session).id
    with pytest.raises(YimaError), sessions.begin() as session:
        request(session, home_id, PHONE, BrokenSender(), SECRET)
    with sessions.begin() as session:
        request(session, home_id, PHONE, phones, SECRET)
    assert len(phones.messages) == 1


def test_neither_phone_nor_code_is_stored_readably_or_logged(
    session: Session, home: Brand, phones: Phones, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG):
        request(session, home.id, PHONE, phones, SECRET)
        confirm(session, home.id, PHONE, _wrong(phones.last_code), SECRET)
    row = session.scalars(select(OneTimeCode)).one()
    stored = row.code_digest + row.subject_digest
    assert phones.last_code.encode() not in stored
    assert PHONE not in caplog.text
    assert phones.last_code not in caplog.text


def _at_once(count: int, work) -> list:
    results: list = []
    start = threading.Barrier(count)

    def run() -> None:
        start.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_of_two_requests_at_once_one_sends(engine: Engine, phones: Phones):
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        home_id = brand(session).id

    def ask() -> str:
        try:
            with sessions.begin() as session:
                request(session, home_id, PHONE, phones, SECRET)
        except TooManyCodes:
            return "refused"
        return "sent"

    assert sorted(_at_once(2, ask)) == ["refused", "sent"]
    assert len(phones.messages) == 1


def test_of_two_confirmations_at_once_one_wins(engine: Engine, phones: Phones):
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        home_id = brand(session).id
        request(session, home_id, PHONE, phones, SECRET)

    def use() -> bool:
        with sessions.begin() as session:
            return confirm(session, home_id, PHONE, phones.last_code, SECRET).confirmed

    assert sorted(_at_once(2, use)) == [False, True]


def test_of_many_guesses_at_once_five_are_compared(engine: Engine, phones: Phones):
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        home_id = brand(session).id
        request(session, home_id, PHONE, phones, SECRET)

    def guess() -> int:
        with sessions.begin() as session:
            wrong = _wrong(phones.last_code)
            return confirm(session, home_id, PHONE, wrong, SECRET).attempts_left

    assert sorted(_at_once(8, guess)) == [0, 0, 0, 0, 1, 2, 3, 4]


def test_codes_of_the_day_before_are_purged_and_todays_stay(
    session: Session, home: Brand, phones: Phones
):
    for when in (NOON, NOON + timedelta(hours=23)):
        with clock.fixed(when):
            request(session, home.id, PHONE, phones, SECRET)
    with clock.fixed(NOON + timedelta(hours=25)):
        assert code.purge(session) == 1
    assert session.scalar(select(func.count()).select_from(OneTimeCode)) == 1
