"""Django's PostgreSQL, with another look at connections that are kept (``base``)."""
