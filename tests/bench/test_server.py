"""The server under measurement, seen from outside."""

import os
import time

from bench.server import Server


def test_the_usage_of_a_process_grows_with_its_work() -> None:
    us = Server("http://localhost", os.getpid())
    before = us.usage()
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    after = us.usage()
    assert 0.1 <= after.cpu_s - before.cpu_s < 5
    assert 1e6 < after.rss_bytes < 1e11
