"""Copies htmx out of a pinned build requirement into the package, so that no third-party file is committed.

Runs for wheels and for editable installs. The wheel of `django-htmx` carries the script; Django itself never
enters the user's environment."""

import shutil
from importlib.metadata import files
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WANTED = {"htmx-2.min.js": "htmx.min.js"}


class VendorHook(BuildHookInterface):
    def initialize(self, version, build_data):
        target = Path(self.root) / "src/botbot/ui/static/vendor"
        target.mkdir(parents=True, exist_ok=True)
        for entry in files("django-htmx") or ():
            if entry.name in WANTED:
                shutil.copyfile(entry.locate(), target / WANTED[entry.name])
