"""What this room refuses, and what to do about it. No message ever repeats a phone or a code."""

from core.errors import N_, YimaError


class BadPhone(YimaError):
    code = "bad_phone"
    message = N_(
        "That is no mobile number we can use. Type 11 digits such as 13812345678, or + and the "
        "country code before a number from elsewhere."
    )


class CountryNotServed(YimaError):
    code = "country_not_served"
    message = N_("No codes are sent to numbers of that country. Use a number of another one.")


class TooManyCodes(YimaError):
    code = "too_many_codes"
    status = 429
    message = N_("Codes were asked for too often. Ask for another in %(wait_seconds)s seconds.")


class MalformedCode(YimaError):
    code = "malformed_code"
    message = N_("The code has six digits. Type it as it was sent to you.")


class WrongCode(YimaError):
    code = "wrong_code"
    status = 401
    message = N_("That is not the code that was sent. Attempts left: %(attempts_left)s.")


class NoLiveCode(YimaError):
    code = "no_live_code"
    status = 401
    message = N_("That code no longer counts. Ask for a new one.")


class CannotUnseal(YimaError):
    code = "cannot_unseal"
    status = 500
    message = N_(
        "A stored phone number can't be read: YIMA_SECRET_KEY is not the one that sealed it."
    )
