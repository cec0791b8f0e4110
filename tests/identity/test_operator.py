import logging

import pytest
from sqlalchemy.orm import Session

from core import clock
from core.errors import NotFound
from identity import queries, sessions
from identity.errors import (
    BadChoice,
    BadCode,
    BadPassword,
    DistributorNeeded,
    DistributorNotAllowed,
    NameTaken,
)
from identity.models import Operator
from identity.operator import add_operator, change_password, disable
from identity.sign_in import sign_in
from tests.factories import NOON, brand, distributor

PASSWORD = "plums in november"
SECRET = bytes(32)


def _admin(session: Session, brand_id: int, login: str = "lin") -> Operator:
    return add_operator(session, brand_id, login, "林", "brand_admin", PASSWORD)


def test_the_password_itself_is_kept_and_logged_nowhere(
    session: Session, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG):
        operator = _admin(session, brand(session).id)
        assert sign_in(session, "lin", PASSWORD, "s", SECRET).operator is operator
    assert PASSWORD not in operator.password_hash
    assert PASSWORD not in caplog.text


def test_a_login_is_unique_across_brands_whatever_its_case(session: Session):
    _admin(session, brand(session).id, "Lin")
    with pytest.raises(NameTaken, match="lin"):
        _admin(session, brand(session).id, "LIN")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"login": "a b"}, BadCode),
        ({"login": "\x00\ud800"}, BadCode),
        ({"role": "king"}, BadChoice),
        ({"role": "distributor"}, DistributorNeeded),
        ({"password": "short"}, BadPassword),
        ({"password": "x" * 257}, BadPassword),
        ({"password": "ten or more\ud800"}, BadPassword),
    ],
)
def test_a_wrong_operator_is_refused_and_nobody_is_added(
    session: Session, wrong: dict[str, str], error: type[Exception]
):
    home = brand(session)
    right = {"login": "lin", "name": "林", "role": "warehouse", "password": PASSWORD}
    with pytest.raises(error):
        add_operator(session, home.id, **{**right, **wrong})
    assert queries.operators(session, home.id) == []


def test_only_distributors_people_belong_to_one_and_to_one_of_the_brand(session: Session):
    home = brand(session)
    ours, theirs = distributor(session, home), distributor(session, brand(session))
    with pytest.raises(DistributorNotAllowed):
        add_operator(session, home.id, "lin", "林", "inspector", PASSWORD, ours.id)
    with pytest.raises(NotFound):
        add_operator(session, home.id, "lin", "林", "distributor", PASSWORD, theirs.id)
    clerk = add_operator(session, home.id, "lin", "林", "distributor", PASSWORD, ours.id)
    assert queries.operators(session, home.id, ours.id) == [clerk]


def test_a_new_password_ends_every_session_and_the_old_password(session: Session):
    home = brand(session)
    operator = _admin(session, home.id)
    before = sessions.begin(session, operator, "phone")
    change_password(session, home.id, operator.id, "plums in december")
    after = sessions.begin(session, operator, "phone")
    assert queries.operator_of_session(session, home.id, before.id) is None
    assert queries.operator_of_session(session, home.id, after.id) is operator
    assert sign_in(session, "lin", PASSWORD, "s", SECRET).operator is None
    assert sign_in(session, "lin", "plums in december", "s", SECRET).operator is operator


def test_a_disabled_operator_has_no_session_and_can_not_sign_in(session: Session):
    home = brand(session)
    operator = _admin(session, home.id)
    begun = sessions.begin(session, operator, "phone")
    disable(session, home.id, operator.id)
    assert queries.operator_of_session(session, home.id, begun.id) is None
    assert sign_in(session, "lin", PASSWORD, "s", SECRET).operator is None


def test_a_session_ends_when_it_is_ended_and_after_twelve_hours(session: Session):
    home = brand(session)
    operator = _admin(session, home.id)
    with clock.fixed(NOON):
        one, two, three = (sessions.begin(session, operator, f"browser {n}") for n in range(3))
        sessions.end(session, home.id, operator.id, one.id)
        listed = queries.sessions_of(session, home.id, operator.id)
        assert {found.id for found in listed} == {two.id, three.id}
        assert sessions.end_all(session, home.id, operator.id, but=two.id) == 1
        assert queries.operator_of_session(session, home.id, two.id) is operator
    with clock.fixed(NOON + sessions.LIFE):
        assert queries.operator_of_session(session, home.id, two.id) is None


def test_nobody_ends_the_session_of_another(session: Session):
    home = brand(session)
    operator = _admin(session, home.id)
    begun = sessions.begin(session, operator, "phone")
    with pytest.raises(NotFound):
        sessions.end(session, home.id, operator.id + 1, begun.id)


def test_another_brands_operator_can_not_be_changed(session: Session):
    operator = _admin(session, brand(session).id)
    stranger = brand(session)
    with pytest.raises(NotFound):
        change_password(session, stranger.id, operator.id, "plums in december")
    with pytest.raises(NotFound):
        disable(session, stranger.id, operator.id)
    assert sign_in(session, "lin", PASSWORD, "s", SECRET).operator is operator
