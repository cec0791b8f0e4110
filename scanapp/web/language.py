"""Chinese or English: what the visitor chose, else what the browser asks for, else Chinese."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from babel.dates import get_timezone_name
from flask import Flask, Response, after_this_request, g, request
from flask_babel import format_date, format_datetime, get_locale, get_translations
from markupsafe import Markup

from core.day import DEFAULT_ZONE, day_of, zone
from core.regions.tree import RegionTree
from identity.models import Brand
from scanapp.web.extensions import settings_of

LANGUAGES = ("zh", "en")
COOKIE = "yima_language"
# As people write them, in the patterns of CLDR (UTS #35, part 4): no seconds, no AM and PM.
_DAYS = {"zh": "y年M月d日", "en": "d MMM y"}
_MOMENTS = {
    "medium": {"zh": "y年M月d日 HH:mm", "en": "d MMM y, HH:mm"},
    "short": {"zh": "y-MM-dd HH:mm", "en": "y-MM-dd HH:mm"},
}


def choose() -> str:
    """The request's language; `?lang=` wins and is remembered."""
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        after_this_request(lambda response: _remember(response, asked))
        return asked
    kept = request.cookies.get(COOKIE, "")
    if kept in LANGUAGES:
        return kept
    return request.accept_languages.best_match(LANGUAGES) or "zh"


def chosen_in(cookies: str) -> str:
    """The language that the visitor chose, as the Cookie header says; empty if none."""
    return next((each for each in LANGUAGES if f"{COOKIE}={each}" in cookies), "")


def _remember(response: Response, chosen: str) -> Response:
    """Keeps a language that was just chosen for a year."""
    response.set_cookie(
        COOKIE,
        chosen,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        httponly=True,
        secure=settings_of().cookie_secure,
    )
    return response


def register(app: Flask) -> None:
    """Templates can show times, places and bilingual names in the reader's language."""
    app.add_template_global(get_locale)
    app.add_template_global(time_zone_name)
    app.add_template_filter(moment, "moment")
    app.add_template_filter(named, "named")
    app.jinja_env.globals.update(_words())


def tell_times_of(brand: Brand) -> None:
    """From now on this request's pages and forms go by the brand's clock."""
    g.time_zone = brand.time_zone


def time_zone() -> str:
    """The name of the time zone that this request goes by."""
    zone: str = g.get("time_zone", DEFAULT_ZONE)
    return zone


def time_zone_name() -> str:
    """The time zone as the reader calls it: China Time, 中国时间."""
    return get_timezone_name(zone(time_zone()), "long", locale=get_locale())


def moment(at: datetime | None, form: str = "medium") -> str | None:
    """The instant by the brand's clock, None for None.

    `medium` is as the reader writes it (`22 Nov 2026, 14:05`), `short` for columns of tables.
    """
    if at is None:
        return None
    local = at.replace(tzinfo=at.tzinfo or UTC).astimezone(zone(time_zone()))
    return format_datetime(local, _MOMENTS[form][language()], rebase=False)


def day_at(at: datetime | None) -> str | None:
    """The brand's day that the instant is on, as the reader writes it; None for None."""
    return day(day_of(at, time_zone())) if at else None


def day(on: date | None) -> str | None:
    """The day as the reader writes it; None for None."""
    return format_date(on, _DAYS[language()], rebase=False) if on else None


def language() -> str:
    """`zh` or `en`: the request's, Chinese outside of one."""
    try:
        return str(g.language)
    except AttributeError:
        g.language = "en" if str(get_locale()).startswith("en") else "zh"
        return g.language
    except RuntimeError:
        return "zh"


def named(thing: object) -> str:
    """The `name_zh` or `name_en` of a thing that has both."""
    other = "name_zh"
    wanted = f"name_{language()}"
    return getattr(thing, wanted, None) or getattr(thing, other, "") or ""


def place_name(regions: RegionTree, code: str | None) -> str | None:
    """The region's path in the reader's language, or None."""
    return regions.path_name(code, language()) if code in regions and code else None


def _words() -> Mapping[str, Any]:
    """What templates call `_`, `ngettext` and `pgettext`, as Jinja's own know them.

    Those of Flask-Babel look for the request's translations at each word, a fifth of the time that
    a consumer's page took.
    """
    known: dict[str, Any] = {}

    def translations() -> Any:
        chosen = language()
        found = known.get(chosen)
        if found is None:
            found = known[chosen] = get_translations()
        return found

    def filled(text: str, values: Mapping[str, Any]) -> Markup:
        return Markup(text) % values if "%" in text else Markup(text)

    def gettext(text: str, /, **values: Any) -> Markup:
        return filled(translations().ugettext(text), values)

    def ngettext(one: str, many: str, count: int, /, **values: Any) -> Markup:
        values.setdefault("num", count)
        return filled(translations().ungettext(one, many, count), values)

    def pgettext(context: str, text: str, /, **values: Any) -> Markup:
        return filled(translations().upgettext(context, text), values)

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext, "pgettext": pgettext}
