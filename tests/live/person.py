"""A person at a browser: sent somewhere, they log in, read what an application asks for, and decide."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from tests.live.chromium import Page

LOGIN = "#password"
CONSENT = "button[name=decision][value=refuse]"


@dataclass
class Person:
    """`page` is their browser window; their password is NAME-demo-pass.

    allows   the permissions they allow; None: whatever is asked
    """

    page: Page
    name: str
    allows: Collection[str] | None = None

    def visit(self, url: str) -> str:
        """Open the address, do what our pages ask for, and say where that ends."""
        self.page.go(url)
        return self.answer()

    def answer(self) -> str:
        """Do what our pages ask for, one after the other, and say where that ends."""
        while True:
            if self.page.has(LOGIN):
                self.log_in()
            elif self.page.has(CONSENT):
                self.decide()
            else:
                return self.page.url

    def log_in(self) -> None:
        """Fill in the login page."""
        self.page.type("#username", self.name)
        self.page.type("#password", f"{self.name}-demo-pass")
        self.page.press("button[value=login]")

    def decide(self) -> None:
        """Tick what is allowed and nothing else, and send it."""
        boxes: dict[str, bool] = self.page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('input[type=checkbox]')].map(box => [box.name, box.checked]))"
        )
        for box, ticked in boxes.items():
            wanted = self.allows is None or box.removeprefix("grant:") in self.allows
            if ticked != wanted:
                self.page.click(f"input[name={json.dumps(box)}]")
        self.page.press("button[name=decision][value=allow]")
