"""Files at a host's root that messengers and mini-programs ask for to verify its owner."""

from flask import Blueprint, Response, abort, send_from_directory

from scanapp.web.extensions import settings_of

blueprint = Blueprint("verification", __name__)


@blueprint.get("/<string:name>.txt")
def text_file(name: str) -> Response:
    """The operator's file of that name from the folder that is set; nothing below it."""
    folder = settings_of().verification_folder
    if folder is None:
        abort(404)
    return send_from_directory(folder.resolve(), f"{name}.txt", mimetype="text/plain")
