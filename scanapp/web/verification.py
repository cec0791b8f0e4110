"""Files that messengers and mini-programs ask for to verify who owns a host, or a folder of it.

WeChat opens a mini-program by a code's link if a rule names the beginning of the link, and looks
for its file in the folder that the rule names: the host's root, or a folder that codes' links
begin with (https://developers.weixin.qq.com/miniprogram/introduction/qrcode.html).
"""

from flask import Blueprint, Response, abort, send_from_directory

from scanapp.web.extensions import settings_of

blueprint = Blueprint("verification", __name__)

GTIN = "<string(minlength=8, maxlength=14):gtin>"
FOLDERS = ("", "01/", f"01/{GTIN}/", f"01/{GTIN}/21/")


def text_file(name: str, gtin: str = "0") -> Response:
    """The operator's file of that name from the folder that is set; nothing below it."""
    folder = settings_of().verification_folder
    if folder is None or not (gtin.isascii() and gtin.isdigit()):
        abort(404)
    return send_from_directory(folder.resolve(), f"{name}.txt", mimetype="text/plain")


for path in FOLDERS:
    blueprint.add_url_rule(f"/{path}<string:name>.txt", view_func=text_file)
