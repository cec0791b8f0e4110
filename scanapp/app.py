"""The web application: one factory, any of its doors."""

from collections.abc import Iterable

from flask import Flask
from sqlalchemy.orm import sessionmaker

from core.settings import Settings
from scanapp import cookies, faults, headers, language
from scanapp.api import blueprints as api_blueprints
from scanapp.brand import blueprint as brand_blueprint
from scanapp.consumer import blueprint as consumer_blueprint
from scanapp.distributor import blueprint as distributor_blueprint
from scanapp.extensions import babel, configure, csrf, db
from scanapp.intake.door import Intake
from scanapp.verification import blueprint as verification_blueprint

DOORS = ("consumer", "brand", "distributor", "api")


def create_app(settings: Settings, doors: Iterable[str] = DOORS) -> Flask:
    """The application with the named doors; connects to nothing until it is asked something."""
    app = Flask(__name__)
    app.session_interface = cookies.CookiePerDoor()
    configure(app, settings)
    db.init_app(app)
    csrf.init_app(app)
    babel.init_app(app, locale_selector=language.choose)
    headers.register(app)
    language.register(app)
    faults.register(app)
    with app.app_context():
        app.extensions["intake"] = Intake(sessionmaker(db.engine, expire_on_commit=False), settings)
    _open(app, frozenset(doors))
    return app


def _open(app: Flask, doors: frozenset[str]) -> None:
    app.register_blueprint(verification_blueprint)
    if "consumer" in doors:
        app.register_blueprint(consumer_blueprint)
    if "brand" in doors:
        app.register_blueprint(brand_blueprint)
    if "distributor" in doors:
        app.register_blueprint(distributor_blueprint)
    if "api" in doors:
        for blueprint in api_blueprints:
            app.register_blueprint(blueprint)
            csrf.exempt(blueprint)  # programs bring a key, no cookie
