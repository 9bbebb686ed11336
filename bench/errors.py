"""Errors of the benchmarks."""


class BenchError(Exception):
    """A benchmark could not be run; what it measured, however poor, is never an error."""


class ServerError(BenchError):
    """The server did not come up."""


class BotsError(BenchError):
    """The bots ended without a report."""


class LoadError(BenchError):
    """The clients that make the load could not do it."""
