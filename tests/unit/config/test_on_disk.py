"""What of a configuration stands on disk: every file that belongs to it counts, and no other."""

from __future__ import annotations

import os
from pathlib import Path

from sumun.config.on_disk import appearance, version


def both(path: Path) -> tuple[object, str]:
    """What is seen of it."""
    return appearance(path), version(path)


def test_a_file_that_is_written(tmp_path: Path) -> None:
    """In place with as many bytes, or by renaming: it looks different, and is another version."""
    path = tmp_path / "sumun.yaml"
    path.write_text("one")
    first = both(path)
    assert both(path) == first
    path.write_text("two")
    second = both(path)
    (tmp_path / "new").write_text("six")
    (tmp_path / "new").rename(path)
    for before, after in ((first, second), (second, both(path))):
        assert before[0] != after[0]
        assert before[1] != after[1]


def test_a_file_that_is_only_touched(tmp_path: Path) -> None:
    """It looks different, and is the same version."""
    path = tmp_path / "sumun.yaml"
    path.write_text("one")
    first = both(path)
    os.utime(path, ns=(1, 1))
    assert appearance(path) != first[0]
    assert version(path) == first[1]


def test_policy_tests_beside_it_count_and_other_files_do_not(tmp_path: Path) -> None:
    """A `*.test.yaml` that comes, changes or goes is another version; a hidden or other file is not."""
    path = tmp_path / "sumun.yaml"
    path.write_text("one")
    seen = [both(path)]
    beside = tmp_path / "shop.test.yaml"
    for text in ("tests: []", "tests: 17"):
        beside.write_text(text)
        seen.append(both(path))
    assert len({one[1] for one in seen}) == len(seen)
    (tmp_path / "notes.yaml").write_text("")
    (tmp_path / ".shop.test.yaml.swp").write_text("")
    (tmp_path / ".#shop.test.yaml").symlink_to("nobody@nowhere")
    assert both(path) == seen[-1]
    beside.unlink()
    assert both(path) == seen[0]


def test_a_link_is_followed(tmp_path: Path) -> None:
    """A folder that is swapped behind a link, as Kubernetes does with a ConfigMap, is a new version; tests in it too."""
    for name, text in (("..1", "one"), ("..2", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sumun.yaml").write_text(text)
    (tmp_path / "..2" / "shop.test.yaml").write_text("tests: []")
    (tmp_path / "..data").symlink_to("..1")
    path = tmp_path / "sumun.yaml"
    path.symlink_to("..data/sumun.yaml")
    first = both(path)
    (tmp_path / "new").symlink_to("..2")
    (tmp_path / "new").rename(tmp_path / "..data")
    second = both(path)
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """It is said to be gone, and is a version of its own; nothing is raised."""
    path = tmp_path / "nowhere" / "sumun.yaml"
    assert appearance(path) == {str(path): None}
    path.parent.mkdir()
    path.write_text("")
    assert None not in appearance(path).values()
    there = version(path)
    path.unlink()
    assert version(path) != there
