"""What consumers reported about codes: the list, one of them, and what the brand does about it."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from antifraud import queries
from antifraud.models import ReportState
from antifraud.report import MAX_NOTE_LENGTH, handle_report
from core.errors import YimaError
from scanapp.brand.findings import DECIDE_FINDINGS, SEE_FINDINGS
from scanapp.brand.overview import section
from scanapp.office import door
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session

PAGE = 50
TO_DO = (ReportState.NEW, ReportState.LOOKED_INTO)


@section.get("/reports")
@door.requires(SEE_FINDINGS)
def reports() -> str:
    """What consumers reported, newest first; what is not closed unless another state is asked."""
    brand_id, asked = door.brand().id, request.args.get("state", "")
    chosen = asked if asked in [*ReportState] else ""
    states = (chosen,) if chosen else TO_DO
    found = queries.reports(db_session, brand_id, forms.page_before(), PAGE, states)
    before = found[-1].id if len(found) == PAGE else None
    return render_template(
        "overview/reports.html",
        reports=found,
        chosen=chosen,
        counts=queries.report_counts(db_session, brand_id),
        next_url=before and url_for("brand.overview.reports", before=before, state=chosen),
    )


@section.route("/reports/<int(max=9223372036854775807):report_id>", methods=["GET", "POST"])
@door.requires(SEE_FINDINGS)
def report(report_id: int) -> Response | str | tuple[str, int]:
    """One report, and the form that says what is done about it."""

    def show(error: YimaError | None) -> str:
        found = queries.report(db_session, door.brand().id, report_id)
        return render_template(
            "overview/report.html",
            report=found,
            states=[("looked_into", _("Being looked into")), ("closed", _("Closed"))],
            values=request.form,
            note_max=MAX_NOTE_LENGTH,
            error=message_of(error) if error else None,
        )

    return forms.answered(lambda: _handle(report_id), show)


@door.requires(DECIDE_FINDINGS)
def _handle(report_id: int) -> Response:
    state, note = request.form.get("state", ""), request.form.get("note", "")
    actor = door.operator().name
    handled = handle_report(db_session, door.brand().id, report_id, actor, state, note)
    flash(_("Report %(case)s is up to date.", case=handled.case_number), "genuine")
    return redirect(url_for("brand.overview.reports"), code=303)
