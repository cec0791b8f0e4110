"""What can't be done about a finding."""

from core.errors import N_, NotFound, YimaError


class UnknownFinding(NotFound):
    """There is no such finding among those that the caller may see."""


class UnknownReport(NotFound):
    """There is no such report among those that the brand may see."""


class FindingClosed(YimaError):
    """The finding is no longer (or not yet) open to this; nothing was changed."""

    code = "finding_closed"
    status = 409
    message = N_("This finding is %(status)s: it can't be %(action)s any more.")
