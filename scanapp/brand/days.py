"""Days as forms have them: days in China, where the goods are."""

from datetime import date, datetime, time

from core import clock
from scanapp.web.language import ZONE


def today() -> date:
    """The present day in China."""
    return clock.now().astimezone(ZONE).date()


def start_of(day: date) -> datetime:
    """The first instant of that day in China."""
    return datetime.combine(day, time(), ZONE)
