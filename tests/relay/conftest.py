"""The two ways in which a relay's core can run: compiled, and in NumPy."""

import os
from collections.abc import Iterator

import pytest

from relay import compiled


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def both_cores(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests that use it run with either."""
    if request.param == "compiled" and not compiled.use(True) and not os.environ.get("CI"):
        pytest.skip(f"compiled core: {compiled.why_not}")
    assert compiled.use(request.param == "compiled") == (request.param == "compiled"), compiled.why_not
    yield
    compiled.use(True)
