"""Resources: the names that services have towards clients (RFC 8707): absolute URIs without a fragment.

Beside what the RFC asks, a name has none of the separators of the places where it stands: lists in SQL and forms (a
space), the text of a profile (`,` and `;`), JSON in the access log (`"` and a backslash).
"""

from __future__ import annotations

import re

_RESOURCE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}:[!$-+\--:<-\[\]-~]{1,223}")


def is_resource(text: str) -> bool:
    """Whether this can be the name of a resource."""
    return _RESOURCE.fullmatch(text) is not None
