"""Words that fill the gaps of messages, named here so that the translators' tool finds them.

A message such as “No %(what)s called …” takes its `what` from the room that raises it, as a
plain English word; `errors.message_of` puts it into the reader's language.
"""

from core.errors import N_

WORDS = (
    N_("1 to 40 letters a-z, digits and hyphens, no hyphen first or last"),
    N_("1 to 64 printable characters without blanks"),
    N_("3 to 64 of a-z, 0-9 and . _ @ + -, a letter or digit first"),
    N_("API key"),
    N_("activate"),
    N_("active"),
    N_("answered"),
    N_("brand"),
    N_("brand code"),
    N_("brand_admin operator"),
    N_("carton"),
    N_("cartons"),
    N_("channel"),
    N_("confirmed"),
    N_("dismissed"),
    N_("distributor"),
    N_("distributor code"),
    N_("distributor's name"),
    N_("distributor's operator"),
    N_("distributor's site"),
    N_("finding"),
    N_("freeze"),
    N_("frozen"),
    N_("images"),
    N_("inspector operator"),
    N_("issued"),
    N_("item"),
    N_("key's name"),
    N_("kind of site"),
    N_("login"),
    N_("operator"),
    N_("operator's name"),
    N_("ranges of codes"),
    N_("region"),
    N_("role"),
    N_("session"),
    N_("shipment"),
    N_("site"),
    N_("site code"),
    N_("site's name"),
    N_("thaw"),
    N_("void"),
    N_("warehouse operator"),
    N_("withdrawn"),
)
