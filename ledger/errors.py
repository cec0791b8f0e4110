"""What the ledger refuses."""

from core.errors import N_, YimaError


class TransferConflict(YimaError):
    code = "transfer_conflict"
    status = 409
    message = N_(
        "Transfer “%(key)s” was posted before with other content. Use a new key for a new transfer."
    )
