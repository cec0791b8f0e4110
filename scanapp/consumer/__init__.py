"""The consumers' door: is it genuine, where was it verified before, and points."""

from flask import Blueprint

from scanapp.consumer.visitor import keep

blueprint = Blueprint("consumer", __name__, template_folder="templates")
blueprint.after_request(keep)

# Each file adds its pages to the blueprint.
from scanapp.consumer import claim, code, links, membership, report  # noqa: E402

PAGES = (claim, code, links, membership, report)
