"""The portal as a WSGI application, for gunicorn."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops_site.settings")

application = get_wsgi_application()

# The views take half a second to load, the models of the forecast a whole one: now, for all workers together,
# not in each of them while the first person waits.
import_module(settings.ROOT_URLCONF)
import_module("consumption.forecasting")

# What is loaded by now stays: the collector would look through it in the middle of requests, for 100 ms.
gc.collect()
gc.freeze()
