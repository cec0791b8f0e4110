"""The WSGI application, configured by the environment: `granian --interface wsgi wsgi:app`."""

import migrations
from core import logs, settings
from scanapp.app import create_app

logs.configure()
app = create_app(settings.from_environ(), revisions=migrations.revisions())
