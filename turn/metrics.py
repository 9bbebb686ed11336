"""What the TURN server counts, for Prometheus: read off it when somebody asks."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from turn.server import TurnServer


class TurnMetrics(Collector):
    """The counters of a running server."""

    def __init__(self, server: TurnServer) -> None:
        self._server = server

    def describe(self) -> Iterator[Metric]:
        """Nothing needs to be running for this."""
        yield GaugeMetricFamily("soiree_turn_allocations", "Allocations of the TURN server")

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "soiree_turn_allocations", "Allocations of the TURN server", value=self._server.allocations
        )
        events = CounterMetricFamily("soiree_turn_events", "What happened in the TURN server, by kind", labels=["kind"])
        for kind, count in sorted(self._server.counts.items()):
            events.add_metric([kind], count)
        yield events
