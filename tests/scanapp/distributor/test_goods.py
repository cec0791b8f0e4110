from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from identity.models import Brand, Distributor, Site
from tests import factories
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.brand.world import trade as make_trade
from tests.scanapp.browser import Browser
from traceability.models import BizStep, Custody, TraceEvent
from traceability.ship import ship

GOODS = "/portal/goods"


@pytest.fixture
def trade(commit: Commit, engine: Engine, brand: Brand) -> Trade:
    return make_trade(commit, engine, brand)


@pytest.fixture
def rival(commit: Commit, trade: Trade) -> tuple[Distributor, Site]:
    with commit() as session:
        company = factories.distributor(session, trade.brand, name="Rival Trading")
        more = {"name": "Rival's yard", "distributor_id": company.id}
        return company, factories.site(session, trade.brand, **more)


@pytest.fixture
def clerk(client: FlaskClient, sign_in: Callable[..., Browser], trade: Trade) -> Browser:
    return sign_in(client, "distributor", distributor_id=trade.dealer.id)


def send(commit: Commit, trade: Trade, first: int, last: int, source: Site, target: Site) -> int:
    with commit() as session:
        lo = trade.cartons.lo - 1
        event = ship(
            session, brand_id=trade.brand.id, key=f"{first} to {target.id}",
            document=f"DN-{first}-{target.id}", from_site_id=source.id, to_site_id=target.id,
            codes=[(lo + first, lo + last + 1)], actor="erp",
        )  # fmt: skip
        return event.id


def receipts(commit: Commit) -> list[tuple[int, str]]:
    with commit() as session:
        found = session.query(TraceEvent).filter_by(biz_step=BizStep.RECEIVING.value)
        return [(event.site_id, event.actor) for event in found]


def test_a_shipment_is_shown_received_and_in_stock(
    clerk: Browser, trade: Trade, commit: Commit
) -> None:
    event_id = send(commit, trade, 1, 2, trade.plant, trade.shop)
    page = clerk.get(GOODS).text
    assert f"DN-1-{trade.shop.id}" in page
    assert "Receive</button>" in page
    assert clerk.post(f"{GOODS}/{event_id}/receive").status_code == 303
    assert receipts(commit) == [(trade.shop.id, "distributor")]
    with commit() as session:
        held = session.query(Custody).filter_by(site_id=trade.shop.id).one()
        assert (held.disposition, held.hi - held.lo) == ("in_progress", 2)
    page = clerk.get(GOODS).text
    assert "Receive</button>" not in page
    assert "Received</span>" in page


def test_receiving_twice_is_refused_in_words_and_recorded_once(
    clerk: Browser, trade: Trade, commit: Commit
) -> None:
    event_id = send(commit, trade, 1, 2, trade.plant, trade.shop)
    clerk.get(GOODS)
    clerk.post(f"{GOODS}/{event_id}/receive")
    again = clerk.post(f"{GOODS}/{event_id}/receive")
    assert again.status_code == 409
    assert "have been received or have gone on" in again.text
    assert len(receipts(commit)) == 1


def test_goods_that_went_on_already_are_not_called_back(
    clerk: Browser, trade: Trade, commit: Commit, rival: tuple[Distributor, Site]
) -> None:
    event_id = send(commit, trade, 1, 2, trade.plant, trade.shop)
    send(commit, trade, 2, 2, trade.shop, rival[1])
    clerk.get(GOODS)
    clerk.post(f"{GOODS}/{event_id}/receive")
    with commit() as session:
        held = {row.lo - trade.cartons.lo + 1: row.site_id for row in session.query(Custody)}
    assert held[1] == trade.shop.id
    assert held[2] == rival[1].id


def test_others_shipments_are_neither_shown_nor_received(
    clerk: Browser, trade: Trade, commit: Commit, rival: tuple[Distributor, Site]
) -> None:
    theirs = send(commit, trade, 3, 3, trade.plant, rival[1])
    page = clerk.get(GOODS)
    assert f"DN-3-{rival[1].id}" not in page.text
    assert "Rival" not in page.text
    refused = clerk.post(f"{GOODS}/{theirs}/receive")
    assert refused.status_code == 404
    assert "Rival" not in refused.text
    assert clerk.post(f"{GOODS}/999999/receive").status_code == 404
    assert receipts(commit) == []


def test_a_sender_that_is_another_distributor_is_not_named(
    clerk: Browser, trade: Trade, commit: Commit, rival: tuple[Distributor, Site]
) -> None:
    send(commit, trade, 1, 1, trade.plant, rival[1])
    send(commit, trade, 1, 1, rival[1], trade.shop)
    page = clerk.get(GOODS).text
    assert "another distributor" in page
    assert "Rival" not in page


def test_a_receipt_is_no_shipment_to_receive(clerk: Browser, trade: Trade, commit: Commit) -> None:
    event_id = send(commit, trade, 1, 1, trade.plant, trade.shop)
    clerk.get(GOODS)
    clerk.post(f"{GOODS}/{event_id}/receive")
    with commit() as session:
        receipt = session.query(TraceEvent).filter_by(biz_step="receiving").one()
    assert clerk.post(f"{GOODS}/{receipt.id}/receive").status_code == 404


def test_a_form_without_its_token_receives_nothing(
    clerk: Browser, trade: Trade, commit: Commit
) -> None:
    event_id = send(commit, trade, 1, 1, trade.plant, trade.shop)
    assert clerk.client.post(f"{GOODS}/{event_id}/receive").status_code == 400
    assert receipts(commit) == []
