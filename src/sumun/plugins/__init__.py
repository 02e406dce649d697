"""HOW PARTS ARE FOUND: by family and name, in one table.

Kind       one sort of part: `authenticator` `http`; the class of its settings, the function that builds it
Catalogue  all kinds that exist; a name used twice stops the start

A Kind names its settings class and its builder as `module:attribute` (the entry-point notation), so that listing kinds
imports nothing: `config` imports the settings class when it checks a file, `node` imports the builder when it
assembles. The catalogue is handed to `config`; `config` never imports the parts.

To add a kind: write one file with its settings (a pydantic model that forbids extra keys), its class and its Kind, and
list the Kind in the family's own tuple, or, from another distribution, under the entry-point group `sumun.kinds`.
"""

from sumun.plugins.catalogue import ENTRY_POINT_GROUP, Catalogue, installed_kinds
from sumun.plugins.errors import BrokenKindError, DuplicateKindError, PluginError, UnknownKindError
from sumun.plugins.kind import AUTHENTICATOR, Kind

__all__ = [
    "AUTHENTICATOR",
    "ENTRY_POINT_GROUP",
    "BrokenKindError",
    "Catalogue",
    "DuplicateKindError",
    "Kind",
    "PluginError",
    "UnknownKindError",
    "installed_kinds",
]
