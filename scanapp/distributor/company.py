"""The company for which the signed-in operator works: whatever the portal shows is its own."""

from scanapp.office import door


def company_id() -> int:
    """The distributor's id; raises `NotAllowed` for an operator who belongs to none."""
    found = door.operator().distributor_id
    if found is None:
        raise door.NotAllowed()
    return found
