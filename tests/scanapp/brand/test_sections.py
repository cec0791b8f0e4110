"""Sections of the offices: their entries in the menu, and who may enter by which door."""

import re

import pytest
from flask import Flask

from identity.models import Role
from identity.permission import may
from scanapp.brand import office as console
from scanapp.brand.overview import ENTER_CONSOLE
from scanapp.distributor import ENTER_PORTAL
from scanapp.distributor import office as portal
from tests.scanapp.browser import Browser

LIT = re.compile(r'<a href="([^"]+)" aria-current="page">')


@pytest.mark.parametrize(
    ("page", "entry"),
    [
        ("/console/", "/console/"),
        ("/console/products", "/console/orders"),
        ("/console/orders/new", "/console/orders"),
        ("/console/goods/pack", "/console/goods"),
        ("/console/campaigns/held", "/console/campaigns"),
        ("/console/reports", "/console/"),
        ("/console/set-up/keys", "/console/set-up"),
    ],
)
def test_the_menu_marks_the_section_of_the_page(admin: Browser, page: str, entry: str):
    assert set(LIT.findall(admin.get(page).text)) == {entry}


def test_every_entry_of_a_menu_leads_to_a_page_of_its_section(app: Flask):
    for door, office in (("brand", console), ("distributor", portal)):
        for section in office.sections:
            assert f"{door}.{section.name}.{section.entry.view}" in app.view_functions


def test_everybody_enters_by_exactly_one_door():
    for role in Role:
        assert [may(role, ENTER_CONSOLE), may(role, ENTER_PORTAL)].count(True) == 1


def test_an_unknown_role_may_nothing():
    assert not may("king", ENTER_CONSOLE)
