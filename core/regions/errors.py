"""What can be wrong with a region."""

from core.errors import N_, NotFound, YimaError

PROBLEMS_SHOWN_MAX = 20


class UnknownRegion(NotFound):
    """No region has this code."""

    code = "unknown_region"
    message = N_("No region has the code “%(name)s”. If it is a county, import the counties first.")


class CountiesRefused(YimaError):
    """A file of counties has wrong lines; nothing of it was imported.

    `facts["problems"]` holds the first lines that are wrong as `(line number, reason)`,
    `facts["count"]` says how many there are.
    """

    code = "counties_refused"
    message = N_("No county was imported. Wrong lines, to be mended: %(count)d. %(listed)s")

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        shown = problems[:PROBLEMS_SHOWN_MAX]
        listed = " ".join(f"Line {line}: {reason}." for line, reason in shown)
        more = " …" if len(problems) > len(shown) else ""
        super().__init__(count=len(problems), listed=listed + more, problems=shown)
