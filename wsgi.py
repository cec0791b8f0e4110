"""The WSGI application, configured by the environment: `granian --interface wsgi wsgi:app`."""

from core import settings
from scanapp.app import create_app

app = create_app(settings.from_environ())
