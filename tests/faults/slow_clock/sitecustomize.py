"""A Python with this folder on its path has a clock that an operator sets back in mid-flight.

As soon as the file `set-back` is in its YIMA_HOME the time is an hour earlier. Intervals measured
by the monotonic clock go on as they do on a machine whose clock is set.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

from core import clock

_FILE = Path(os.environ["YIMA_HOME"]) / "set-back"
_true = clock._source


def _maybe_set_back() -> datetime:
    return _true() - timedelta(hours=1) if _FILE.exists() else _true()


clock._source = _maybe_set_back
