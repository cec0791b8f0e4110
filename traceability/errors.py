"""What this room refuses, and what to do about it. `codes` are shown as order and numbers."""

from core.errors import N_, YimaError


class KeyConflict(YimaError):
    """The caller's key was used before for other content."""

    code = "key_conflict"
    status = 409
    message = N_(
        "The key “%(key)s” was used before with other content. "
        "Repeat it exactly to get the same event, or give the new one a key of its own."
    )


class TooMuchAtOnce(YimaError):
    """A call is bounded; more goes into more calls."""

    code = "too_much_at_once"
    message = N_("One call takes at most %(limit)s %(what)s. Make several calls.")


class UnknownCodes(YimaError):
    code = "unknown_codes"
    status = 404
    message = N_("The brand never ordered these codes: %(codes)s. Check what was read.")


class WrongLayer(YimaError):
    code = "wrong_layer"
    message = N_("These codes are not of the layer “%(layer)s”: %(codes)s. Check the order.")


class BlockedCodes(YimaError):
    code = "blocked_codes"
    status = 409
    message = N_("These codes are frozen or void: %(codes)s. Take the goods out of the line.")


class PackedAlready(YimaError):
    code = "packed_already"
    status = 409
    message = N_("Packed before: %(codes)s. Check whether the report was sent under another key.")


class DoubleEntry(YimaError):
    code = "double_entry"
    message = N_("Listed more than once in the same report: %(codes)s. Correct the report.")


class OutsideOrder(YimaError):
    """Counting on from the first number runs over the end of the order."""

    code = "outside_order"
    message = N_(
        "Order %(order)s has the numbers 1 to %(quantity)s; "
        "%(needed)s from number %(first)s on are too many. Pack fewer cartons."
    )


class SsccTaken(YimaError):
    code = "sscc_taken"
    status = 409
    message = N_("The SSCC %(sscc)s is on another carton already. Give each carton its own.")


class NeverPacked(YimaError):
    code = "never_packed"
    status = 409
    message = N_(
        "No packing is known at that time for these cartons: %(codes)s. "
        "Report the packing first, or correct the time of the document."
    )


class NotHeld(YimaError):
    code = "not_held"
    status = 409
    message = N_(
        "At that time these goods are at %(holder)s: %(codes)s. "
        "Correct the sender, or record how the goods came to it."
    )


class TerritoryExists(YimaError):
    code = "territory_exists"
    status = 409
    message = N_("The distributor has this territory already in that time. End the earlier first.")
