"""What the accounts floor tells the floors above it."""

from django.dispatch import Signal

keys_proven = Signal()
"""A login has proven keys. Sent with ``gateway`` and ``user``; a receiver that fails is only logged."""
