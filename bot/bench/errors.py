"""What goes wrong while measuring."""


class BenchError(Exception):
    """The benchmark cannot go on; the text says why and what to do."""
