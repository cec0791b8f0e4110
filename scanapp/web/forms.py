"""Forms: what was typed, read and refused in plain words, and shown again with what is wrong."""

import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TypeVar

from flask import g, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from core.day import zone
from core.errors import N_, BadInput, YimaError
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session
from scanapp.web.language import time_zone

Form = Mapping[str, str]
Value = TypeVar("Value")
About = Mapping[type[YimaError] | str, str]  # fields by what is wrong with them

_DIGITS_MAX = 18  # as many as a bigint always holds
_YEARS = range(2000, 2101)
_SHOWN = 40
FORM_KEY = "once"
NOTHING: About = {}


class Missing(YimaError):
    code = "missing"
    message = N_("Fill in every field that is not marked as optional.")


class NotANumber(YimaError):
    code = "not_a_number"
    message = N_("“%(given)s” is not a whole number. Write digits only, for example 1200.")


class NotADay(YimaError):
    code = "not_a_day"
    message = N_("“%(given)s” is not a day of this century. Write it like 2026-11-20.")


class NotATime(YimaError):
    code = "not_a_time"
    message = N_("“%(given)s” is not a time of this century. Write it like 2026-11-20T08:00.")


class NotAText(YimaError):
    code = "not_a_text"
    message = N_("“%(given)s” can't be kept: use at most %(longest)s ordinary characters.")


def answered(
    do: Callable[[], AnyResponse | str],
    show: Callable[[YimaError | None], str],
    about: About = NOTHING,
    form: str = "",
) -> AnyResponse | str | tuple[str, int]:
    """What `do` answers to a form that was sent; else the page that `show` makes.

    A refused form changes nothing, and is shown again with the refusal at its field. On a page of
    several forms, `form` is the name that the ids of its fields begin with.
    """
    if request.method != "POST":
        return show(None)
    try:
        return do()
    except YimaError as error:
        db_session.rollback()
        mark_refused(error, about, form)
        return show(error), error.status


def mark_refused(error: YimaError, about: About = NOTHING, form: str = "") -> None:
    """The page that is made next shows the error at the field that the error names.

    `about` says the field for a kind of error that names none, and where the page calls a field
    by another name.
    """
    told = error.facts.get("field")
    field = about.get(str(told), told) if told else None
    if field is None:
        field = next((about[kind] for kind in about if _is(error, kind)), None)
    if field is not None:
        mark({f"{form}-{field}" if form else str(field): message_of(error)})


def mark(errors: Mapping[str, str]) -> None:
    """The page that is made next shows these texts at the fields with these ids."""
    g.marked = dict(errors)


def marked() -> Mapping[str, str]:
    """What is wrong with the form that the page shows again, by the ids of its fields."""
    texts: Mapping[str, str] = g.get("marked", {})
    return texts


def text(form: Form, name: str, longest: int = 200) -> str | None:
    """The field's text with its blanks tidied, None if it is empty. Raises `NotAText`."""
    tidy = " ".join(form.get(name, "").split())
    if len(tidy) > longest or not tidy.isprintable():
        raise NotAText(given=_shown(tidy), longest=longest, field=name)
    return tidy or None


def whole(form: Form, name: str) -> int | None:
    """The field's number, None if it is empty; `1,200` and full-width digits are read too.

    Raises `NotANumber`, also for more than 18 digits.
    """
    typed = form.get(name, "").strip()
    digits = typed.replace(",", "").replace(" ", "")
    if not digits:
        return None
    if not digits.isdecimal() or len(digits) > _DIGITS_MAX:
        raise NotANumber(given=_shown(typed), field=name)
    return int(digits)


def day(form: Form, name: str) -> date | None:
    """The field's day, None if it is empty. Raises `NotADay`."""
    typed = form.get(name, "").strip()
    if not typed:
        return None
    try:
        found = date.fromisoformat(typed)
    except ValueError as error:
        raise NotADay(given=_shown(typed), field=name) from error
    if found.year not in _YEARS:
        raise NotADay(given=_shown(typed), field=name)
    return found


def moment(form: Form, name: str) -> datetime | None:
    """The field's instant, None if it is empty; by the brand's clock unless it says otherwise.

    Raises `NotATime`.
    """
    typed = form.get(name, "").strip()
    if not typed:
        return None
    try:
        found = datetime.fromisoformat(typed)
    except ValueError as error:
        raise NotATime(given=_shown(typed), field=name) from error
    if found.year not in _YEARS:
        raise NotATime(given=_shown(typed), field=name)
    return found if found.tzinfo else found.replace(tzinfo=zone(time_zone()))


def needed(value: Value | None, name: str) -> Value:
    """The value of a field that must be filled in; raises `Missing` when it is empty."""
    if value is None:
        raise Missing(field=name)
    return value


def hidden_key() -> Markup:
    """What a form of an office carries so that it counts once, however often it is sent."""
    if g.get("operator") is None:
        return Markup()
    return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_KEY, uuid.uuid4())


def form_key(typed: str) -> uuid.UUID:
    """The key that a form carried; raises `BadInput` for what is none of ours."""
    try:
        return uuid.UUID(typed)
    except ValueError as error:
        raise BadInput(
            reason=N_("The form is incomplete. Load the page again and fill it in anew.")
        ) from error


def new_key() -> str:
    """A key for a form that must count once, however often it is sent."""
    return str(uuid.uuid4())


def one_time_key(form: Form) -> str:
    """The key that the form was given when it was shown; raises `BadInput` for another."""
    return f"console {form_key(form.get('key', ''))}"


def page_before(name: str = "before") -> int | None:
    """Where a list's page begins, as the address says; None for the first page or nonsense."""
    try:
        return whole(request.args, name)
    except NotANumber:
        return None


def _is(error: YimaError, kind: type[YimaError] | str) -> bool:
    return not isinstance(kind, str) and isinstance(error, kind)


def _shown(typed: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in typed[:_SHOWN])
