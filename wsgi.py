"""The WSGI application, configured by the environment; served by `yima web`."""

import gc

import migrations
from core import logs, settings
from scanapp import farewell
from scanapp.app import create_app, warm_up

logs.configure()
app = create_app(settings.from_environ(), revisions=migrations.revisions())
farewell.listen(app)
warm_up(app)
# What is loaded by now stays: left out of the collector's rounds, which took a scan's fifteenth.
gc.collect()
gc.freeze()
