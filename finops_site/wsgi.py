"""The portal as a WSGI application, for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops_site.settings")

application = get_wsgi_application()

# What is loaded by now stays: the collector would look through it in the middle of requests, for 100 ms.
gc.collect()
gc.freeze()
