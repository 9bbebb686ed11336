"""Hosting platforms that pass nothing but HTTP on one port, known by the variables that they set.

Pure core.
"""

from collections.abc import Mapping
from typing import Final

ONE_PORT: Final = {
    "DYNO": "Heroku",
    "RENDER": "Render",
    "RAILWAY_ENVIRONMENT": "Railway",
    "RAILWAY_ENVIRONMENT_NAME": "Railway",
    "K_SERVICE": "Cloud Run",
    "CONTAINER": "Scalingo",
}
"""Variable → platform."""
_TOLD_BY_VALUE: Final = {"CONTAINER": ("web", "worker")}
"""Names that others use too: how their values begin there."""


def one_port_platform(environment: Mapping[str, str]) -> str | None:
    """The platform that this process runs on, if it is one where no UDP and no second port come in."""
    for variable, platform in ONE_PORT.items():
        value = environment.get(variable, "")
        if value and value.startswith(_TOLD_BY_VALUE.get(variable, "")):
            return platform
    return None
