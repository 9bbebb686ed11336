"""What passes free stays with the process: measured as pages that the system has to bring."""

import subprocess
import sys

PASSES = """
import resource, sys
import numpy as np
from relay.heap import keep_freed

def a_pass():
    return [np.ones(50_000) for _ in range(20)]  # 8 MB

if "keep" in sys.argv:
    assert keep_freed()
a_pass()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    a_pass()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*arguments: str) -> int:
    return int(subprocess.run([sys.executable, "-c", PASSES, *arguments], capture_output=True, check=True).stdout)


def test_a_pass_uses_the_memory_of_the_one_before() -> None:
    kept, returned = faults("keep"), faults()
    assert kept < 200
    assert returned > 10 * kept, "glibc keeps it by itself now"
