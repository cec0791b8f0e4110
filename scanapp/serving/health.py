"""What machines ask of a web process, whichever doors it opens: does it live, can it work, how."""

import ipaddress
from collections.abc import Sequence

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.orm import Session

from core.db import make_engine
from core.settings import Network, Settings
from scanapp import measures
from scanapp.serving.standing import Readiness, Standing, StandingMetrics, readiness, standing
from scanapp.serving.watch import Watch
from scanapp.web.address import forwarded, is_within
from scanapp.web.extensions import settings_of

PATIENCE_SECONDS = 3.0
READY_KEPT_SECONDS = 1.0
STANDING_KEPT_SECONDS = 5.0
REDIS_SECONDS = 0.5
CROWDED_SECONDS = 2.0
LOOPBACK: tuple[Network, ...] = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("::1/128"),
)

blueprint = Blueprint("operations", __name__)


class Operations:
    """An app's way to ask its servers how they are, apart from what requests use."""

    def __init__(self, settings: Settings, revisions: Sequence[str]) -> None:
        self._engine = make_engine(
            settings.database_url,
            statement_timeout_seconds=2,
            pool_size=1,
            max_overflow=1,
            hide_parameters=True,
        )
        redis = Redis.from_url(
            settings.redis_url,
            socket_connect_timeout=REDIS_SECONDS,
            socket_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self.readiness: Watch[Readiness] = Watch(
            lambda: readiness(self._engine, redis, revisions), READY_KEPT_SECONDS, PATIENCE_SECONDS
        )
        self.standing: Watch[Standing] = Watch(
            self._standing, STANDING_KEPT_SECONDS, PATIENCE_SECONDS
        )

    def _standing(self) -> Standing:
        with Session(self._engine) as session:
            return standing(session)


def register(app: Flask, settings: Settings, revisions: Sequence[str]) -> None:
    """The app answers machines; `revisions` of the schema that it was written for, newest first."""
    app.extensions["operations"] = Operations(settings, revisions)
    app.register_blueprint(blueprint)


def _operations() -> Operations:
    found: Operations = current_app.extensions["operations"]
    return found


@blueprint.get("/healthz")
def live() -> Response:
    """The process lives; nothing else is asked."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Whether requests can be answered: 503 when the database is away or not migrated.

    Also when this process is about to end, or has no place for anybody. Without Redis the doors
    work on, and what is owed is done a little later.
    """
    if current_app.extensions["farewell"].is_announced:
        return jsonify(ready=False, ending=True), 503
    if _is_crowded():
        return jsonify(ready=False, crowded=True), 503
    found = _operations().readiness.now()
    if found is None:
        return jsonify(ready=False, database="away"), 503
    answer = jsonify(
        ready=found.is_ready, database="ok", migrations=found.migrations, redis=found.redis
    )
    return answer, 200 if found.is_ready else 503


def _is_crowded() -> bool:
    """Whether nobody finds a place: all requests hang, or slow bodies hold all readers."""
    admission = current_app.extensions.get("admission")
    hangs = admission is not None and admission.full_seconds() > CROWDED_SECONDS
    return hangs or current_app.extensions["bodies"].is_full


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus' text, for this machine and `YIMA_METRICS_NETWORKS`; nobody else sees a page."""
    networks = (*LOOPBACK, *settings_of().metrics_networks)
    # A proxy on this machine passes strangers on: all hops must be allowed, not only the last.
    chain = [request.remote_addr or "", *forwarded(request)]
    if not all(is_within(address, networks) for address in chain):
        abort(404)
    text = measures.exposition(StandingMetrics(_operations().standing.now()))
    return Response(text, content_type=CONTENT_TYPE_LATEST)
