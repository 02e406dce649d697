"""The parameters of an authorization request, from a query or a form (RFC 6749 3.1). Sans-IO.

A repeated parameter is an error, but whose? If it is `client_id` or `redirect_uri`, nobody may be told; if it is
another, the client is. So repeated names are kept apart here and judged in `request`. Only `resource` may repeat (RFC
8707 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sumun.oauth.authorize.errors import Untrusted, UntrustedRequestError
from sumun.oauth.errors import InvalidRequestError
from sumun.oauth.messages import read_pairs

_MAY_REPEAT = "resource"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was sent: non-empty values of names that stand once, names that stand twice, and the resources."""

    values: Mapping[str, str] = field(repr=False)
    repeated: frozenset[str] = frozenset()
    resources: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """The value; None: not sent, empty, or sent twice."""
        return self.values.get(name)


def read_parameters(encoded: bytes) -> Parameters:
    """Read a query, or the body of a POST. Raises UntrustedRequestError: it cannot be read at all."""
    try:
        pairs = read_pairs(encoded)
    except InvalidRequestError as error:
        raise UntrustedRequestError(Untrusted.MALFORMED, str(error)) from None
    values: dict[str, str] = {}
    repeated: set[str] = set()
    resources: list[str] = []
    for name, value in pairs:
        if name == _MAY_REPEAT:
            if value:
                resources.append(value)
        elif name in values:
            repeated.add(name)
        else:
            values[name] = value
    # RFC 6749 3.1: "Parameters sent without a value MUST be treated as if they were omitted from the request."
    kept = {name: value for name, value in values.items() if value and name not in repeated}
    return Parameters(kept, frozenset(repeated), tuple(resources))
