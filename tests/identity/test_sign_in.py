import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from core import clock
from core.db import make_sessions
from identity import password, throttle
from identity import sign_in as signing_in
from identity.errors import TooManyAttempts, WrongCredentials
from identity.models import Operator, SignInFailures
from identity.operator import add_operator, disable
from identity.sign_in import PER_PAIR, PER_SOURCE, SignIn, sign_in
from tests.factories import NOON, brand

PASSWORD = "plums in november"
SECRET = bytes(32)


@pytest.fixture
def operator(session: Session) -> Operator:
    return add_operator(session, brand(session).id, "lin", "林", "brand_admin", PASSWORD)


def _fail(session: Session, times: int, login: str = "lin", source: str = "here") -> list[SignIn]:
    return [sign_in(session, login, "a wrong guess", source, SECRET) for _ in range(times)]


def test_login_and_password_sign_in_however_the_login_is_written(
    session: Session, operator: Operator
):
    result = sign_in(session, "  LIN ", PASSWORD, "here", SECRET)
    assert result.operator is operator
    assert result.refusal is None


@pytest.mark.parametrize("login", ["nobody", "", "\x00", "\ud800", "x" * 10_000])
def test_an_unknown_login_is_refused_like_a_wrong_password(
    session: Session, operator: Operator, login: str
):
    unknown = sign_in(session, login, PASSWORD, "here", SECRET)
    wrong = sign_in(session, "lin", "a wrong guess", "here", SECRET)
    assert isinstance(unknown.refusal, WrongCredentials)
    assert str(unknown.refusal) == str(wrong.refusal)


def test_after_too_many_failures_even_the_right_password_waits(
    session: Session, operator: Operator
):
    with clock.fixed(NOON):
        assert all(not failed.wait_seconds for failed in _fail(session, PER_PAIR))
    with clock.fixed(NOON + timedelta(minutes=5)):
        result = sign_in(session, "lin", PASSWORD, "here", SECRET)
        elsewhere = sign_in(session, "lin", PASSWORD, "elsewhere", SECRET)
    assert elsewhere.operator is operator  # a stranger's guesses keep nobody out
    assert result == SignIn(wait_seconds=600)
    assert isinstance(result.refusal, TooManyAttempts)
    assert result.refusal.facts == {"wait_seconds": 600}


def test_when_the_window_is_over_the_right_password_signs_in(session: Session, operator: Operator):
    with clock.fixed(NOON):
        _fail(session, PER_PAIR + 1)
    with clock.fixed(NOON + timedelta(minutes=15)):
        assert sign_in(session, "lin", PASSWORD, "here", SECRET).operator is operator


def test_success_forgives_the_logins_failures_but_not_the_sources(
    session: Session, operator: Operator
):
    with clock.fixed(NOON):
        for _ in range(PER_SOURCE // (PER_PAIR - 1)):
            _fail(session, PER_PAIR - 1)
            assert sign_in(session, "lin", PASSWORD, "here", SECRET).operator is operator
        _fail(session, PER_SOURCE % (PER_PAIR - 1))
        assert sign_in(session, "lin", PASSWORD, "here", SECRET).wait_seconds == 900
        assert sign_in(session, "lin", PASSWORD, "elsewhere", SECRET).operator is operator


def test_guesses_from_everywhere_are_slowed_down_in_the_end(
    session: Session, operator: Operator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(signing_in, "PER_LOGIN", 6)
    with clock.fixed(NOON):
        waits = [_fail(session, 1, source=f"bot{number}")[0].wait_seconds for number in range(7)]
    assert waits == [0] * 6 + [900]


def test_what_is_stored_of_a_login_tells_nothing_without_the_secret(session: Session):
    with clock.fixed(NOON):
        sign_in(session, "lin", "a wrong guess", "here", SECRET)
        before = set(session.scalars(select(SignInFailures.subject)))
        sign_in(session, "lin", "a wrong guess", "here", bytes(31) + b"x")
    assert not before & (set(session.scalars(select(SignInFailures.subject))) - before)
    assert len(set(session.scalars(select(SignInFailures.subject)))) == 2 * len(before)


def test_a_source_that_was_refused_can_lock_no_more_logins(session: Session, operator: Operator):
    with clock.fixed(NOON):
        for number in range(PER_SOURCE):
            _fail(session, 1, login=f"guess{number}")
        _fail(session, PER_PAIR + 1, login="lin")
        assert sign_in(session, "lin", PASSWORD, "elsewhere", SECRET).operator is operator


def test_what_was_typed_as_login_is_not_kept(session: Session):
    _fail(session, 1, login="my password by mistake", source="10.1.2.3")
    subjects = "".join(session.scalars(select(SignInFailures.subject)))
    assert "mistake" not in subjects
    assert "10.1.2.3" not in subjects


def test_a_disabled_operator_learns_no_more_than_a_stranger(session: Session, operator: Operator):
    disable(session, operator.brand_id, operator.id)
    assert isinstance(sign_in(session, "lin", PASSWORD, "here", SECRET).refusal, WrongCredentials)


def test_a_password_hashed_with_old_costs_is_hashed_anew(session: Session, operator: Operator):
    operator.password_hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(
        PASSWORD
    )
    assert sign_in(session, "lin", PASSWORD, "here", SECRET).operator is operator
    assert not password.is_outdated(operator.password_hash)
    assert sign_in(session, "lin", PASSWORD, "here", SECRET).operator is operator


def test_of_many_guesses_at_once_none_slips_past_the_limit(engine: Engine):
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        add_operator(session, brand(session).id, "lin", "林", "brand_admin", PASSWORD)
    waits: list[int] = []
    start = threading.Barrier(4)

    def guess(number: int) -> None:
        start.wait()
        for attempt in range(4):
            with sessions.begin() as session:
                guessed = f"guess {number} {attempt}"
                waits.append(sign_in(session, "lin", guessed, "here", SECRET).wait_seconds)

    with clock.fixed(NOON):
        threads = [threading.Thread(target=guess, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(waits) == 16
    assert waits.count(0) == PER_PAIR


def test_windows_long_over_are_purged_and_running_ones_stay(session: Session):
    with clock.fixed(NOON):
        throttle.count(session, "old", 1)
    with clock.fixed(NOON + throttle.LONGEST + timedelta(minutes=1)):
        throttle.count(session, "new", 1)
        assert throttle.purge(session) == 1
    assert session.scalar(select(func.count()).select_from(SignInFailures)) == 1
