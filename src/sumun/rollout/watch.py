"""Watch: says when a configuration that was written stands still. Pure.

Editors write beside and rename, copy tools write piece by piece, Kubernetes swaps a link: between two such steps half a
configuration is on disk, or none. So what looks the same twice is taken for done, and a file that is gone gets longer.
"""

from __future__ import annotations

from sumun.config.on_disk import Appearance

LOOK_EVERY_SECONDS = 1.0
_LOOKS = 2
_LOOKS_WHEN_GONE = 5
LONGEST_PAUSE_SECONDS = 60.0


class Watch:
    """What was seen so far."""

    def __init__(self) -> None:
        """Nothing was seen."""
        self._last: Appearance | None = None
        self._same = 0
        self._pause = LOOK_EVERY_SECONDS

    def saw(self, appearance: Appearance) -> bool:
        """Whether it is time to read: it looks other than before, and has stood still since. Each time once."""
        if appearance != self._last:
            self._last, self._same = appearance, 1
            return False
        self._same += 1
        return self._same == (_LOOKS_WHEN_GONE if None in appearance.values() else _LOOKS)

    def failed(self) -> float:
        """What stands there is not to blame that it could not be brought to life: after so many seconds look anew."""
        self._last = None
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        return self._pause
