"""The door for programs: a brand's own apps scan and claim with an API key."""

from flask import Blueprint

blueprint = Blueprint("api", __name__)

# Each file adds its addresses to the blueprint.
from scanapp.api import scan  # noqa: E402

PAGES = (scan,)
