"""A local OUTSCALE for the demo and the tests: it speaks HTTP on loopback and knows nothing of the portal."""
