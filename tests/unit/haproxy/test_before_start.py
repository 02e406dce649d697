"""Limits of the machine are told before HAProxy is started."""

from __future__ import annotations

import pytest

from sumun.haproxy.before_start import refuse_too_many_connections
from sumun.haproxy.errors import TooFewDescriptorsError


def test_descriptors() -> None:
    """More connections than files may be open are refused with a number that would do, and that number does."""
    with pytest.raises(TooFewDescriptorsError, match=r"5000.*10100 open files.*1024.*write 462 or less"):
        refuse_too_many_connections(5000, 1024)
    refuse_too_many_connections(462, 1024)
    refuse_too_many_connections(10)
