"""PostgreSQL as Django knows it; whether a kept connection still works is seen, not asked."""

from select import POLLIN, poll

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is opened anew once the server has closed it."""

    def close_if_health_check_failed(self) -> None:
        """Close a connection that the server has closed, before a request asks something over it.

        Django asks ``SELECT 1`` with each request, a fifth of all its queries. But a server that ends a
        connection says so: nobody has asked it anything yet, so whatever there is to read is its farewell.
        """
        if self.connection is None or self.health_check_done or not self.health_check_enabled:
            return
        if self.connection.closed or _has_to_be_read(self.connection.fileno()):
            self.close()
        self.health_check_done = True


def _has_to_be_read(file: int) -> bool:
    looked = poll()
    looked.register(file, POLLIN)
    return bool(looked.poll(0))
