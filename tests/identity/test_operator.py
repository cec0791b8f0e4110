import logging

import pytest
from sqlalchemy.orm import Session

from core.errors import NotFound
from identity import queries
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
from tests.factories import brand, distributor

PASSWORD = "plums in november"


def _admin(session: Session, brand_id: int, login: str = "lin") -> Operator:
    return add_operator(session, brand_id, login, "林", "brand_admin", PASSWORD)


def test_the_password_itself_is_kept_and_logged_nowhere(
    session: Session, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG):
        operator = _admin(session, brand(session).id)
        assert sign_in(session, "lin", PASSWORD, "s").operator is operator
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
    epoch_before = operator.session_epoch
    changed = change_password(session, home.id, operator.id, "plums in december")
    assert _of_session(session, operator, epoch_before) is None
    assert _of_session(session, operator, changed.session_epoch) is operator
    assert sign_in(session, "lin", PASSWORD, "s").operator is None
    assert sign_in(session, "lin", "plums in december", "s").operator is operator


def test_a_disabled_operator_has_no_session_and_can_not_sign_in(session: Session):
    home = brand(session)
    operator = _admin(session, home.id)
    disabled = disable(session, home.id, operator.id)
    assert _of_session(session, operator, disabled.session_epoch) is None
    assert sign_in(session, "lin", PASSWORD, "s").operator is None


def test_another_brands_operator_can_not_be_changed(session: Session):
    operator = _admin(session, brand(session).id)
    stranger = brand(session)
    with pytest.raises(NotFound):
        change_password(session, stranger.id, operator.id, "plums in december")
    with pytest.raises(NotFound):
        disable(session, stranger.id, operator.id)
    assert sign_in(session, "lin", PASSWORD, "s").operator is operator


def _of_session(session: Session, operator: Operator, epoch: int) -> Operator | None:
    return queries.operator_of_session(session, operator.brand_id, operator.id, epoch)
