"""A request is one transaction: all that it did is kept, or nothing."""

import pytest
from flask import Flask, flash, session
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.outbox import OutboxRow
from identity.models import Brand
from scanapp.web.extensions import db_session, process
from scanapp.web.transaction import transaction
from tests import factories
from tests.owing import owe


def names(engine: Engine) -> list[str]:
    with Session(engine) as other:
        return list(other.scalars(select(Brand.code)))


@pytest.fixture
def rung(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    topics: list[str] = []
    monkeypatch.setattr(app.extensions["process"], "ring", topics.append)
    return topics


def test_what_a_form_changed_is_kept_and_the_workers_are_rung(
    app: Flask, engine: Engine, rung: list[str]
) -> None:
    with app.test_request_context("/", method="POST"):
        with transaction():
            brand = factories.brand(db_session)
            owe(db_session, "credit", brand.id, {"codes": []})
            assert rung == []
        assert brand.code in names(engine)
        assert rung == ["credit"]


def test_of_a_form_that_failed_nothing_is_left_and_no_message_of_success(
    app: Flask, engine: Engine, rung: list[str]
) -> None:
    codes = []

    def fail() -> None:
        codes.append(factories.brand(db_session).code)
        owe(db_session, "credit", 1, {"codes": []})
        flash("It is done.")
        raise ZeroDivisionError

    with app.test_request_context("/", method="POST"):
        with pytest.raises(ZeroDivisionError), transaction():
            fail()
        assert set(codes).isdisjoint(names(engine))
        assert "_flashes" not in session
        assert rung == []
        assert db_session.scalars(select(OutboxRow)).all() == []


def test_a_look_that_failed_leaves_the_message_of_the_form_before(app: Flask) -> None:
    with app.test_request_context("/"):
        flash("It is done.")
        with pytest.raises(ZeroDivisionError), transaction():
            raise ZeroDivisionError
        assert "_flashes" in session


def test_a_request_that_asked_for_no_session_commits_none(app: Flask, rung: list[str]) -> None:
    with app.test_request_context("/", method="POST"):
        with transaction():
            process().take_care()
        assert rung == []
