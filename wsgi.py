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
# A request computes for a millisecond or two. Who waits for the interpreter need not interrupt who
# has it after 5 ms, the default: it would be a switch for nothing.
sys.setswitchinterval(0.02)
