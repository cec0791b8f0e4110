import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from core import clock
from core.db import make_sessions
from identity import password, throttle
from identity.errors import TooManyAttempts, WrongCredentials
from identity.models import Operator, SignInFailures
from identity.operator import add_operator, disable
from identity.sign_in import PER_LOGIN, PER_SOURCE, SignIn, sign_in
from tests.factories import NOON, brand

PASSWORD = "plums in november"


@pytest.fixture
def operator(session: Session) -> Operator:
    return add_operator(session, brand(session).id, "lin", "林", "brand_admin", PASSWORD)


def _fail(session: Session, times: int, login: str = "lin", source: str = "here") -> list[SignIn]:
    return [sign_in(session, login, "a wrong guess", source) for _ in range(times)]


def test_login_and_password_sign_in_however_the_login_is_written(
    session: Session, operator: Operator
):
    result = sign_in(session, "  LIN ", PASSWORD, "here")
    assert result.operator is operator
    assert result.refusal is None


@pytest.mark.parametrize("login", ["nobody", "", "\x00", "\ud800", "x" * 10_000])
def test_an_unknown_login_is_refused_like_a_wrong_password(
    session: Session, operator: Operator, login: str
):
    unknown = sign_in(session, login, PASSWORD, "here")
    wrong = sign_in(session, "lin", "a wrong guess", "here")
    assert isinstance(unknown.refusal, WrongCredentials)
    assert str(unknown.refusal) == str(wrong.refusal)


def test_after_too_many_failures_even_the_right_password_waits(
    session: Session, operator: Operator
):
    with clock.fixed(NOON):
        assert all(not failed.wait_seconds for failed in _fail(session, PER_LOGIN))
    with clock.fixed(NOON + timedelta(minutes=5)):
        result = sign_in(session, "lin", PASSWORD, "elsewhere")
    assert result == SignIn(wait_seconds=600)
    assert isinstance(result.refusal, TooManyAttempts)
    assert result.refusal.facts == {"wait_seconds": 600}


def test_when_the_window_is_over_the_right_password_signs_in(session: Session, operator: Operator):
    with clock.fixed(NOON):
        _fail(session, PER_LOGIN + 1)
    with clock.fixed(NOON + timedelta(minutes=15)):
        assert sign_in(session, "lin", PASSWORD, "here").operator is operator


def test_success_forgives_the_logins_failures_but_not_the_sources(
    session: Session, operator: Operator
):
    with clock.fixed(NOON):
        for _ in range(PER_SOURCE // (PER_LOGIN - 1)):
            _fail(session, PER_LOGIN - 1)
            assert sign_in(session, "lin", PASSWORD, "here").operator is operator
        _fail(session, PER_SOURCE % (PER_LOGIN - 1))
        assert sign_in(session, "lin", PASSWORD, "here").wait_seconds == 900
        assert sign_in(session, "lin", PASSWORD, "elsewhere").operator is operator


def test_a_source_that_was_refused_can_lock_no_more_logins(session: Session, operator: Operator):
    with clock.fixed(NOON):
        for number in range(PER_SOURCE):
            _fail(session, 1, login=f"guess{number}")
        _fail(session, PER_LOGIN + 1, login="lin")
        assert sign_in(session, "lin", PASSWORD, "elsewhere").operator is operator


def test_what_was_typed_as_login_is_not_kept(session: Session):
    _fail(session, 1, login="my password by mistake", source="10.1.2.3")
    subjects = "".join(session.scalars(select(SignInFailures.subject)))
    assert "mistake" not in subjects
    assert "10.1.2.3" not in subjects


def test_a_disabled_operator_learns_no_more_than_a_stranger(session: Session, operator: Operator):
    disable(session, operator.brand_id, operator.id)
    assert isinstance(sign_in(session, "lin", PASSWORD, "here").refusal, WrongCredentials)


def test_a_password_hashed_with_old_costs_is_hashed_anew(session: Session, operator: Operator):
    operator.password_hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(
        PASSWORD
    )
    assert sign_in(session, "lin", PASSWORD, "here").operator is operator
    assert not password.is_outdated(operator.password_hash)
    assert sign_in(session, "lin", PASSWORD, "here").operator is operator


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
                waits.append(sign_in(session, "lin", guessed, f"s{number % 2}").wait_seconds)

    with clock.fixed(NOON):
        threads = [threading.Thread(target=guess, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(waits) == 16
    assert waits.count(0) == PER_LOGIN


def test_windows_long_over_are_purged_and_running_ones_stay(session: Session):
    with clock.fixed(NOON):
        throttle.count(session, "old", 1)
    with clock.fixed(NOON + timedelta(minutes=31)):
        throttle.count(session, "new", 1)
        assert throttle.purge(session) == 1
    assert session.scalar(select(func.count()).select_from(SignInFailures)) == 1
