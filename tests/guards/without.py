"""A plugin of pytest (`-p tests.guards.without`): one module of ours comes from another file.

WITHOUT_MODULE names it, WITHOUT_FILE is where its text stands.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location


class Instead(MetaPathFinder):
    """Finds that module there, and no other."""

    def __init__(self, module: str, file: str) -> None:
        self._module, self._file = module, file

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Asked before anybody else is."""
        return spec_from_file_location(fullname, self._file) if fullname == self._module else None


_module = os.environ["WITHOUT_MODULE"]
assert _module not in sys.modules, f"{_module} was imported too early"
sys.meta_path.insert(0, Instead(_module, os.environ["WITHOUT_FILE"]))
