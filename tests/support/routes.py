"""Every operation the site has, asked of the application itself, so that a new one is tested without being named."""

from typing import NamedTuple

from botbot.app import build_app
from botbot.house import House

READS = {"GET", "HEAD", "OPTIONS"}


class Operation(NamedTuple):
    method: str
    path: str
    """With `{names}` where parameters go."""

    def at(self, **values: str) -> str:
        """The path with its parameters filled; those not given become their own name."""
        path = self.path
        for name, value in values.items():
            path = path.replace("{" + name + "}", value)
        return path.replace("{", "").replace("}", "")

    @property
    def is_unsafe(self) -> bool:
        return self.method not in READS


def operations(house: House) -> list[Operation]:
    """Pages and API, each method on its own; OPTIONS, which the framework answers, left out."""
    application = build_app(house)[1]
    found = {
        Operation(method, route.path_format)
        for route in application.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    return sorted(found)
