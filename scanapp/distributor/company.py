"""The company for which the signed-in operator works: whatever the portal shows is its own."""

from scanapp import office
from scanapp.office import NotAllowed


def company_id() -> int:
    """The distributor's id; raises `NotAllowed` for an operator who belongs to none."""
    found = office.operator().distributor_id
    if found is None:
        raise NotAllowed()
    return found
