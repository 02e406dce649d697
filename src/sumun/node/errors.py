"""Errors of a node.

SumunError
└── NodeError              this node cannot start or go on
    ├── NameClashError     a client of the configuration has a name that is somebody else's
    ├── DataFolderError    the data folder is someone else's, in use, unwritable or has too long a path
    ├── DirectoryOutOfReachError  the directory that the configuration names does not answer, or cannot be used
    ├── StoreOutOfReachError      the same of the store (store_reach)
    ├── MissingPartError   a program or package that the configuration needs is not there
    └── PartFailedError    a part did not become ready
"""

from __future__ import annotations

from sumun.errors import SumunError


class NodeError(SumunError):
    """This node cannot start or go on."""

    code = "node_error"
    exit_code = 3


class DataFolderError(NodeError):
    """The data folder is someone else's, in use, unwritable, or its path is too long for sockets."""

    code = "data_folder"


class DirectoryOutOfReachError(NodeError):
    """The directory that the configuration names does not answer, or cannot be used."""

    code = "directory_out_of_reach"


class MissingPartError(NodeError):
    """A program or package that the configuration needs is not there."""

    code = "missing_part"


class NameClashError(NodeError):
    """A client of the configuration file has the name of a person or of a registered client."""

    code = "name_clash"
    exit_code = 2


class PartFailedError(NodeError):
    """A part did not become ready in time, or ended while starting."""

    code = "part_failed"
