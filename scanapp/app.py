"""The web application: one factory, any of its doors."""

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from importlib import import_module
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import flask
from flask import Flask
from flask.templating import Environment
from werkzeug.routing import PathConverter, RequestRedirect

from core.settings import DOORS, Settings
from scanapp import measures
from scanapp.intake.process import Process
from scanapp.serving import admission, bodies, farewell, health, static
from scanapp.web import atlas, cookies, errors, forms, headers, language
from scanapp.web.extensions import Json, babel, configure, csrf, db
from scanapp.web.request import Request, check_query
from scanapp.web.transaction import transaction
from scanapp.web.verification import blueprint as verification_blueprint

KEY_DOORS = ("api",)  # callers bring a key and no cookie, so no forged form can reach them


class Templates(Environment):
    """Jinja, with one set of globals for all templates: ours bring none of their own.

    It would chain the two, and compare the chains at each import in each page.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return super().make_globals(d) if d else self.globals


class CodeConverter(PathConverter):
    """What may be a code in another form than we print: a link, a path, or characters alone.

    With slashes too many, and with what a scanner put before it; the reader tells what it is.
    """

    regex = r"/*(?:[^/]*(?:0[01]|https?:)/[\s\S]*|[^/]+/*)"
    part_isolating = False
    weight = 1000


class Application(Flask):
    """Flask as our doors use it."""

    request_class = Request
    json_provider_class = Json
    jinja_environment = Templates

    def dispatch_request(self, *context: Any) -> Any:
        """The view's answer; what it changed is committed by then.

        Only for a request whose query is of a size that ours have.
        """
        check_query(flask.request.environ)
        with transaction():
            return super().dispatch_request(*context)

    def raise_routing_exception(self, request: flask.Request) -> NoReturn:
        """Redirects to the right form of an address stay on the host and scheme that were asked.

        Werkzeug would repeat the host that the request names, and the scheme before the proxy.
        """
        error = request.routing_exception
        if isinstance(error, RequestRedirect):
            _scheme, _host, path, query, _fragment = urlsplit(error.new_url)
            error.new_url = urlunsplit(("", "", f"/{path.lstrip('/')}", query, ""))
        super().raise_routing_exception(request)

    def send_static_file(self, filename: str) -> flask.Response:
        """A file by its plain name, or of a version that this process does not have."""
        response = super().send_static_file(static.plain_name(filename))
        response.headers["Cache-Control"] = "public, no-cache"
        return response

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: none of ours is a coroutine, and asking each takes its time."""
        return func


def create_app(
    settings: Settings, doors: Iterable[str] | None = None, revisions: Sequence[str] = ()
) -> Flask:
    """The application with its settings' doors, or those named; connects to nothing until asked.

    `revisions` of the schema, newest first, tell `/readyz` whether the database is migrated.
    """
    if settings.geoip_path is not None:
        atlas.check_file(settings.geoip_path)
    app = Application(__name__)
    app.url_map.converters["code"] = CodeConverter
    app.session_interface = cookies.CookiePerDoor()
    configure(app, settings)
    admission.register(app, settings.requests_most)
    static.register(app)
    bodies.register(app, settings)
    # Around it, so that also a request that is refused at once is named and measured.
    named = headers.around(app.wsgi_app, settings)
    app.wsgi_app = measures.around(named)  # type: ignore[assignment,method-assign]
    db.init_app(app)
    csrf.init_app(app)
    babel.init_app(app, locale_selector=language.choose)
    language.register(app)
    app.add_template_global(forms.hidden_key, "hidden_key")
    app.add_template_global(forms.marked, "marked")
    errors.register(app)
    app.extensions["process"] = Process(settings)
    health.register(app, settings, revisions)
    farewell.register(app)
    _open(app, frozenset(settings.doors if doors is None else doors))
    return app


def warm_up(app: Flask) -> None:
    """The consumer's pages are compiled: a crowd at a cold process would compile them all at once.

    For processes that serve; tests and commands come and go without a page.
    """
    for name in app.jinja_env.list_templates():
        if name.startswith("consumer/") or "/" not in name:  # and what all doors share
            app.jinja_env.get_template(name)


def _open(app: Flask, doors: frozenset[str]) -> None:
    app.register_blueprint(verification_blueprint)
    for door in DOORS:
        if door in doors:
            # Imported here, so that a process that opens one door does not load the others.
            blueprint = import_module(f"scanapp.{door}").blueprint
            app.register_blueprint(blueprint)
            if door not in KEY_DOORS:
                app.before_request_funcs.setdefault(blueprint.name, []).insert(0, _protect)


def _protect() -> None:
    """Refuses a form that did not come from a page of ours, but where a view is exempt."""
    csrf.protect(apply_exemptions=True)
