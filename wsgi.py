"""The WSGI application, configured by the environment; served by `yima web`."""

import migrations
from core import logs, settings
from scanapp.app import create_app, warm_up
from scanapp.serving import farewell

logs.configure()
app = create_app(settings.from_environ(), revisions=migrations.revisions())
farewell.listen(app)
warm_up(app)
