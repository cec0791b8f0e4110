"""What an error says about the work: the server's trouble, too slow, or the row's own fault."""

import traceback
from pathlib import Path

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from core.logs import masked

# Classes and codes of SQLSTATE (PostgreSQL's Appendix A) that pass when one waits.
_PASSING = (
    "08",  # connection
    "40",  # deadlock, serialization
    "53",  # out of memory, disk or connections
    "57P",  # shutting down, starting
    "58",  # the server's own input and output
    "25006",  # read-only: a standby not yet promoted
    "55P03",  # lock not available
)
_QUERY_CANCELED = "57014"  # by statement_timeout


def is_passing(error: Exception) -> bool:
    """Whether the same work may succeed a little later, whatever the rows say."""
    if not isinstance(error, DBAPIError):
        return False
    state = _state(error)
    if state is None:
        lost = isinstance(error, OperationalError | InterfaceError)
        return lost or error.connection_invalidated
    return state.startswith(_PASSING)


def is_too_slow(error: Exception) -> bool:
    """Whether a statement ran into its time limit: fewer rows may do."""
    return isinstance(error, DBAPIError) and _state(error) == _QUERY_CANCELED


def describe(error: Exception) -> str:
    """The error in one line for a person to act on, without personal data.

    Of a database's error only names and codes: its messages quote values. Of others the message,
    300 characters at most, with numbers and ids masked, and the line of ours that raised it.
    """
    if isinstance(error, DBAPIError):
        diagnostics = getattr(error.orig, "diag", None)
        names = ("sqlstate", "table_name", "column_name", "constraint_name")
        known = (getattr(diagnostics, name, None) for name in names)
        return " ".join([type(error.orig).__name__, *filter(None, known)]) + _place(error)
    if isinstance(error, SQLAlchemyError):
        return type(error).__name__ + _place(error)
    return f"{type(error).__name__}: {masked(str(error))}{_place(error)}"


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    return f" ({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else ""
