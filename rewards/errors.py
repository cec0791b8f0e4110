"""What can be wrong with a campaign, a claim or a transfer."""

from core.errors import N_, YimaError


class TransferConflict(YimaError):
    code = "transfer_conflict"
    status = 409
    message = N_(
        "Transfer “%(key)s” was posted before with other content. Use a new key for a new transfer."
    )


class CampaignNotFound(YimaError):
    code = "campaign_not_found"
    status = 404
    message = N_("The brand has no such campaign.")


class ClaimNotHeld(YimaError):
    code = "claim_not_held"
    status = 409
    message = N_("This claim is not waiting for a decision (any more). Load the list again.")
