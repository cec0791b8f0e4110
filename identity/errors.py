"""What this room refuses, and what to do about it."""

from core.errors import N_, YimaError


class BadName(YimaError):
    code = "bad_name"
    message = N_("The %(what)s must be 1 to %(longest)s printable characters. Type another.")


class BadCode(YimaError):
    code = "bad_code"
    message = N_("“%(value)s” can't be the %(what)s: use %(rule)s.")


class BadChoice(YimaError):
    code = "bad_choice"
    message = N_("“%(value)s” is no %(what)s. Choose one of: %(choices)s.")


class NameTaken(YimaError):
    code = "name_taken"
    status = 409
    message = N_("There is already a %(what)s called “%(name)s”. Choose another name.")


class DistributorNeeded(YimaError):
    code = "distributor_needed"
    message = N_("Say which distributor: a %(what)s belongs to one.")


class DistributorNotAllowed(YimaError):
    code = "distributor_not_allowed"
    message = N_("A %(what)s belongs to the brand: leave the distributor empty.")


class BadPassword(YimaError):
    code = "bad_password"
    message = N_("A password has %(shortest)s to %(longest)s printable characters. Choose another.")


class CommonPassword(YimaError):
    code = "common_password"
    message = N_(
        "That password is among those that are guessed first. Choose another, such as four words "
        "that have nothing to do with each other."
    )


class WrongCredentials(YimaError):
    code = "wrong_credentials"
    status = 401
    message = N_("The login or the password is wrong. Check both and try again.")


class TooManyAttempts(YimaError):
    code = "too_many_attempts"
    status = 429
    message = N_("Too many failed attempts. Try again in %(wait_seconds)s seconds.")


class TooManyKeys(YimaError):
    code = "too_many_keys"
    status = 409
    message = N_("The brand has %(limit)s API keys in use. Revoke one that is no longer needed.")


class BadTimeZone(YimaError):
    code = "bad_time_zone"
    message = N_(
        "No time zone is called “%(name)s”. Write it as IANA does, for example Asia/Shanghai."
    )
