"""The error tree against SPOE.txt 3.5."""

from __future__ import annotations

import pytest

from sumun.errors import SumunError
from sumun.spop import errors
from sumun.spop.errors import OurFaultError, PeerFaultError, SpopError

STATUS_CODES = {
    "HelloTimedOutError": 2,
    "FrameTooBigError": 3,
    "InvalidFrameError": 4,
    "VersionMissingError": 5,
    "MaxFrameSizeMissingError": 6,
    "CapabilitiesMissingError": 7,
    "UnsupportedVersionError": 8,
    "BadMaxFrameSizeError": 9,
    "FragmentationError": 10,
    "OutOfResourcesError": 13,
}


def classes(root: type[SpopError]) -> list[type[SpopError]]:
    """`root` and all below it."""
    return [root, *(each for child in root.__subclasses__() for each in classes(child))]


def test_status_codes() -> None:
    """Each refusal of a peer carries the status code that SPOE.txt 3.5 gives it."""
    assert {each.__name__: each.status_code for each in classes(PeerFaultError)[1:]} == STATUS_CODES


@pytest.mark.parametrize("ours", classes(OurFaultError))
def test_our_own_faults_are_unknown_errors(ours: type[SpopError]) -> None:
    """A bug of ours is told to HAProxy as 99, "an unknown error", and blames nobody."""
    assert ours.status_code == 99
    assert not issubclass(ours, PeerFaultError)


def test_one_root_and_stable_codes() -> None:
    """Every error is a SumunError, and no two share the code that programs read."""
    tree = classes(SpopError)
    assert issubclass(SpopError, SumunError)
    assert len({each.code for each in tree}) == len(tree)


def test_the_drawing_is_complete() -> None:
    """The tree drawn at the top of errors.py names every class."""
    assert errors.__doc__ is not None
    assert [each.__name__ for each in classes(SpopError) if each.__name__ not in errors.__doc__] == []
