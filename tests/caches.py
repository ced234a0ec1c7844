"""Where the shared cache of the tests is: in a table of the database, or in Redis (``CACHE_URL``)."""

import pytest
from django.conf import settings

IN_A_TABLE = settings.CACHES["default"]["BACKEND"].endswith("TableCache")
QUERIES = 1 if IN_A_TABLE else 0
"""How many queries a look into the cache takes."""

only_in_a_table = pytest.mark.skipif(not IN_A_TABLE, reason="the cache is in Redis")
