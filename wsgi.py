"""The WSGI application, configured by the environment; served by `yima web`."""

import gc
import sys

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
# What a scan leaves behind is freed without the collector, which just has to find that out.
gc.set_threshold(20_000)
# What a request computes takes less than a millisecond. Whoever waits for the interpreter need not
# interrupt whoever has it every 5 ms; it would be a switch for nothing.
sys.setswitchinterval(0.02)
