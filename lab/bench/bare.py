"""The reference `bare`: Flask that does nothing, on the same web server."""

from flask import Flask, Response, jsonify

app = Flask(__name__, static_folder=None)


@app.route("/<path:anything>", methods=["GET", "POST"])
def nothing(anything: str) -> Response:
    """A small JSON answer."""
    return jsonify(outcome="first")
