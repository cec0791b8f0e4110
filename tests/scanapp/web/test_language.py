from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from core.regions.tree import RegionTree
from scanapp.web import language
from tests.scanapp.shop import Street

AFTERNOON = datetime(2026, 11, 22, 6, 5, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "form", "written"),
    [
        ("zh", "medium", "2026年11月22日 14:05"),
        ("en", "medium", "22 Nov 2026, 14:05"),
        ("zh", "short", "2026-11-22 14:05"),
        ("en", "short", "2026-11-22 14:05"),
    ],
)
def test_moments_are_beijings_and_without_seconds(
    street: Street, locale: str, form: str, written: str
) -> None:
    with street.app.test_request_context(query_string={"lang": locale}):
        assert language.moment(AFTERNOON, form) == written
        elsewhere = AFTERNOON.astimezone(timezone(timedelta(hours=-5)))
        assert language.moment(elsewhere, form) == written
        assert language.moment(None) is None


def test_days_are_written_as_people_write_them(street: Street) -> None:
    with street.app.test_request_context("/?lang=zh"):
        assert language.day(date(2026, 3, 1)) == "2026年3月1日"
    with street.app.test_request_context("/?lang=en"):
        assert language.day(date(2026, 3, 1)) == "1 Mar 2026"
        assert language.day(None) is None


@pytest.mark.parametrize(
    ("query", "cookie", "header", "chosen"),
    [
        ("", "", None, "zh"),
        ("", "", "de-DE,de", "zh"),
        ("", "", "en-US,en;q=0.9,zh;q=0.8", "en"),
        ("", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "en", "zh-CN", "en"),
        ("?lang=en", "zh", "zh-CN", "en"),
        ("?lang=tlh", "", None, "zh"),
        ("?lang=tlh", "xx", "en", "en"),
        ("?lang=%00", "\x7f", "\x7f;;q=,", "zh"),
    ],
)
def test_the_visitors_choice_beats_the_browsers_and_chinese_is_the_rest(
    street: Street, query: str, cookie: str, header: str | None, chosen: str
) -> None:
    client = street.app.test_client()
    if cookie:
        client.set_cookie("yima_language", cookie)
    headers = {"Accept-Language": header} if header else {}
    assert f'<html lang="{chosen}"' in client.get(f"/{query}", headers=headers).text


def test_only_a_choice_is_remembered(street: Street) -> None:
    client = street.app.test_client()
    assert "yima_language" not in str(client.get("/").headers)
    assert "yima_language=en" in str(client.get("/?lang=en").headers)


def test_the_other_language_is_one_link_away_with_the_rest_of_the_address(
    street: Street,
) -> None:
    text = street.phone().look("/m/x/").response.text
    shop = street.shop(1)
    text = street.phone().look(f"{shop.path()}?refused=ended").response.text
    assert 'href="?refused=ended&amp;lang=zh" hreflang="zh"' in text


def test_names_are_in_the_readers_language_or_in_chinese(street: Street) -> None:
    both = SimpleNamespace(name_zh="青梅酒", name_en="Plum wine")
    chinese = SimpleNamespace(name_zh="青梅酒", name_en=None)
    regions = RegionTree.shipped()
    with street.app.test_request_context("/?lang=en"):
        assert [language.named(thing) for thing in (both, chinese)] == ["Plum wine", "青梅酒"]
        assert language.place_name(regions, "330100") == "Hangzhou, Zhejiang"
        assert language.place_name(regions, "999999") is None
        assert language.place_name(regions, None) is None
    with street.app.test_request_context("/?lang=zh"):
        assert language.named(both) == "青梅酒"
        assert language.place_name(regions, "330100") == "浙江杭州"
