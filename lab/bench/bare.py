"""The reference `bare`: Flask that does nothing, on the same web server, served the same way."""

import sys

from flask import Flask, Response, jsonify

from scanapp.serving.server import serve

app = Flask(__name__, static_folder=None)


@app.route("/<path:anything>", methods=["GET", "POST"])
def nothing(anything: str) -> Response:
    """A small JSON answer."""
    return jsonify(outcome="first")


if __name__ == "__main__":
    port, workers, threads = map(int, sys.argv[1:])
    serve("127.0.0.1", port, workers, threads, 0, application="lab.bench.bare:app")
