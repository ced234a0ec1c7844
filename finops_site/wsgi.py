"""The portal as a WSGI application, for gunicorn."""

import gc
import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops_site.settings")

application = get_wsgi_application()

# The models of the forecast take a second to load: now, not while the first person waits for one.
import_module("consumption.forecasting")

# What is loaded by now stays: the collector would look through it in the middle of requests, for 100 ms.
gc.collect()
gc.freeze()
