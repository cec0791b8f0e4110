"""What can be wrong with a campaign or a claim."""

from core.errors import N_, YimaError


class CampaignNotFound(YimaError):
    code = "campaign_not_found"
    status = 404
    message = N_("The brand has no such campaign.")


class ClaimNotHeld(YimaError):
    code = "claim_not_held"
    status = 409
    message = N_("This claim is not waiting for a decision (any more). Load the list again.")


class TooManyClaims(YimaError):
    code = "too_many_claims"
    message = N_("Choose at most %(limit)s claims at a time.")
