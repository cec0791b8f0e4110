"""A consumer reports a code: where it was bought and what seems wrong."""

import math
from dataclasses import dataclass, field

from flask import render_template, request, url_for
from flask_babel import gettext as _

from antifraud.report import MAX_NOTE_LENGTH, MAX_WHERE_LENGTH, file_report
from codegen import crockford
from codegen.errors import ForgedSerial, MalformedSerial
from core.errors import N_, YimaError
from identity import throttle
from scanapp.consumer import blueprint
from scanapp.web import forms
from scanapp.web.address import client_address
from scanapp.web.extensions import db_session, process, settings_of
from scanapp.web.language import named

REPORTS_PER_SOURCE = 20  # in 15 minutes: a shop's visitors share an address


class TooManyReports(YimaError):
    code = "too_many_reports"
    status = 429
    message = N_(
        "Many reports came from your network. Yours was not kept: try again in %(minutes)s minutes."
    )


@dataclass(frozen=True)
class ReportView:
    brand_name: str | None
    serial: str
    action_url: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportedView:
    brand_name: str | None
    case_number: str
    back_url: str | None


@blueprint.route("/report/<serial>", methods=["GET", "POST"])
def report(serial: str) -> str | tuple[str, int]:
    """The form; then the case number under which the brand has the report."""
    serial = crockford.normalise(serial)[:40]
    brand_id = _brand_id(serial)
    brand = process().catalogue.brand(brand_id) if brand_id is not None else None
    brand_name = named(brand) if brand else None
    action_url = url_for("consumer.report", serial=serial)
    if request.method != "POST":
        return render_template(
            "consumer/report.html", view=ReportView(brand_name, serial, action_url)
        )
    values = {name: _typed(name) for name in ("where", "note")}
    errors = {}
    if not 1 <= len(values["where"]) <= MAX_WHERE_LENGTH:
        errors["where"] = _("Tell us where you bought it, in at most 200 characters.")
    if len(values["note"]) > MAX_NOTE_LENGTH:
        errors["note"] = _("At most 1,000 characters, please.")
    if errors:
        forms.mark(errors)
        view = ReportView(brand_name, serial, action_url, values)
        return render_template("consumer/report.html", view=view), 400
    _throttle()
    filed = file_report(db_session, brand_id, serial, values["where"], values["note"])
    back_url = url_for("consumer.short_link", serial=serial) if brand else None
    return render_template(
        "consumer/reported.html", view=ReportedView(brand_name, filed.case_number, back_url)
    )


def _throttle() -> None:
    """Raises `TooManyAttempts` when too many reports came from the same source."""
    address = client_address(request, settings_of().trusted_proxies)
    subject = f"report:{process().source(address).hex()}"
    wait_seconds = throttle.count(db_session, subject, REPORTS_PER_SOURCE)
    if wait_seconds:
        db_session.rollback()
        raise TooManyReports(minutes=math.ceil(wait_seconds / 60))


def _typed(name: str) -> str:
    """The field's text without NULs, which no database keeps."""
    return request.form.get(name, "").replace("\0", "").strip()


def _brand_id(serial: str) -> int | None:
    """The brand whose key made the serial; None when none did."""
    process().take_care()
    try:
        return process().keys.open(serial).brand_id
    except (ForgedSerial, MalformedSerial):
        return None
