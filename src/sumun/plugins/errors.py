"""What can be wrong with the parts themselves.

PluginError
├── DuplicateKindError    two kinds of one family have one name: the start stops
├── UnknownKindError      no kind has this name; the sentence lists what exists
└── BrokenKindError       a kind names a module or an attribute that cannot be imported
"""

from __future__ import annotations

from typing import ClassVar

from sumun.errors import SumunError


class PluginError(SumunError):
    """The table of parts cannot be used as asked."""

    code: ClassVar[str] = "plugin_error"


class DuplicateKindError(PluginError):
    """Two kinds of one family have one name. Remove one of the two distributions."""

    code: ClassVar[str] = "duplicate_kind"


class UnknownKindError(PluginError):
    """No kind of this family has this name."""

    code: ClassVar[str] = "unknown_kind"
    exit_code: ClassVar[int] = 2


class BrokenKindError(PluginError):
    """A kind's settings class or builder cannot be imported. Repair or remove the distribution it comes from."""

    code: ClassVar[str] = "broken_kind"
