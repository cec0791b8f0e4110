import logging
import threading

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db import make_sessions
from core.errors import NotFound
from identity import api_key, queries
from identity.errors import TooManyKeys
from tests.factories import brand


def test_a_key_speaks_for_its_brand_and_only_its_hash_is_kept(
    session: Session, caplog: pytest.LogCaptureFixture
):
    home, other = brand(session), brand(session)
    with caplog.at_level(logging.DEBUG):
        key, text = api_key.issue(session, home.id, "ERP")
        _, others_text = api_key.issue(session, other.id, "ERP")
        known = api_key.all_active(session)
        assert api_key.verify(known, text) == home.id
        assert api_key.verify(known, others_text) == other.id
    secret = text.rpartition("_")[2]
    assert text == f"yk_{key.prefix}_{secret}"
    assert api_key.prefix_of(text) == key.prefix
    assert secret.encode() not in key.secret_hash
    assert secret not in caplog.text


def test_a_wrong_secret_an_unknown_prefix_and_nonsense_speak_for_nobody(session: Session):
    _, text = api_key.issue(session, brand(session).id, "ERP")
    known = api_key.all_active(session)
    last = "0" if text[-1] != "0" else "1"
    wrong = [text[:-1] + last, f"yk_{'0' * 8}_{'0' * 64}", text + "\n", "", "yk_", "\ud800"]
    assert [api_key.verify(known, each) for each in wrong] == [None] * len(wrong)
    assert api_key.verify({}, text) is None


def test_a_revoked_key_speaks_for_nobody_and_stays_listed(session: Session):
    home = brand(session)
    key, text = api_key.issue(session, home.id, "ERP")
    revoked_at = api_key.revoke(session, home.id, key.id).revoked_at
    assert revoked_at is not None
    assert api_key.verify(api_key.all_active(session), text) is None
    assert queries.api_keys(session, home.id) == [key]
    assert api_key.revoke(session, home.id, key.id).revoked_at == revoked_at


def test_another_brands_key_can_be_neither_seen_nor_revoked(session: Session):
    key, text = api_key.issue(session, brand(session).id, "ERP")
    stranger = brand(session)
    assert queries.api_keys(session, stranger.id) == []
    with pytest.raises(NotFound):
        api_key.revoke(session, stranger.id, key.id)
    assert api_key.verify(api_key.all_active(session), text) == key.brand_id


def test_two_at_once_can_not_both_take_the_last_place(engine: Engine):
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        home_id = brand(session).id
        for _ in range(api_key.ACTIVE_MOST - 1):
            api_key.issue(session, home_id, "ERP")
    refused: list[bool] = []
    start = threading.Barrier(2)

    def issue() -> None:
        start.wait()
        try:
            with sessions.begin() as session:
                api_key.issue(session, home_id, "ERP")
        except TooManyKeys:
            refused.append(True)
        else:
            refused.append(False)

    threads = [threading.Thread(target=issue) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(refused) == [False, True]
