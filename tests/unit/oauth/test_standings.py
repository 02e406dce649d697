"""A program's standing comes from memory as long as the memory follows the news."""

from __future__ import annotations

import asyncio

from sumun.identity import Standing, Subject
from sumun.oauth.standings import RememberedStandings
from sumun.recognition.memory import Memory
from sumun.tokens.feed import Change, ChangeKind, News
from sumun.tokens.signing_keys import NO_KEYS

BATCH = Subject.client("batch")
NEWS = [News(8, Change(ChangeKind.SUBJECT, str(BATCH)))]


def standing(epoch: int) -> Standing:
    """The program at this epoch."""
    return Standing(BATCH, "batch", frozenset(), frozenset(), disabled=False, epoch=epoch, login_epoch=epoch)


class Directory:
    """What the directory says, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Standing | None = standing(1)
        self.meanwhile: list[News] = []
        self.memory = Memory()
        self.memory.begin(7, NO_KEYS, ())
        self.memory.trust_until(100.0)

    async def read(self, _subject: Subject) -> Standing | None:
        self.asked += 1
        found = self.answer
        if self.meanwhile:
            self.memory.apply(self.meanwhile, None, ())
        return found


def ask(directory: Directory, steady: float = 0.0) -> Standing | None:
    """What a grant is told."""
    return asyncio.run(RememberedStandings(directory.memory, directory.read, lambda: steady).of(BATCH))


def test_asked_once() -> None:
    """The directory is asked once, also for a subject that does not exist."""
    for answer in (standing(1), None):
        directory = Directory()
        directory.answer = answer
        assert [ask(directory) for _ in range(3)] == [answer] * 3
        assert directory.asked == 1


def test_news_forget() -> None:
    """After news about the subject the directory is asked again."""
    directory = Directory()
    ask(directory)
    directory.memory.apply(NEWS, None, ())
    directory.answer = standing(2)
    assert ask(directory) == standing(2)


def test_late_answers_are_not_kept() -> None:
    """An answer that news overtook is used once, with its old epoch, and not remembered."""
    directory = Directory()
    directory.meanwhile = NEWS
    assert ask(directory) == standing(1)
    directory.meanwhile, directory.answer = [], standing(2)
    assert ask(directory) == standing(2)


def test_out_of_touch() -> None:
    """A memory that may have missed news is not used."""
    directory = Directory()
    ask(directory)
    directory.answer = standing(2)
    assert ask(directory, steady=100.0) == standing(2)
