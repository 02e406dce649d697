"""The shop's own pages, for people with a browser: no token, no login and no client id stand in here.

Its routes say `session: true`. Who is not logged in is sent to the gateway's login page and comes back; who is arrives
with the gateway's headers, as on every other route. Forms are sent by POST: the gateway lets only this host's own
pages send them, so they need no token against forgery.
"""

from __future__ import annotations

from collections import defaultdict, deque
from html import escape
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sumun.demo.identity import told
from sumun.demo.page import page

_TITLE = "The Shop 가게"
_LONGEST_FORM = 1000
_MOST_WISHES = 20
_MOST_PEOPLE = 1000


class MyShop:
    """What people wish for."""

    def __init__(self) -> None:
        self._wishes: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_MOST_WISHES))

    async def index(self, request: Request) -> Response:
        """Who it is, and their list."""
        you = told(request.headers)
        roles = ", ".join(you["user_roles"]) or "-"
        wishes = "".join(f"<li>{escape(one)}" for one in self._wishes.get(you["user_id"], ()))
        return page(
            _TITLE,
            f"<p>Hello, <b>{escape(you['user_name'])}</b>. 안녕하세요. The gateway told this page who you are: "
            f"<code>{escape(you['user_id'])}</code>, with the roles <code>{escape(roles)}</code>.</p>"
            f"<h2>What you wish for 위시리스트</h2><ul>{wishes or '<li>nothing yet 아직 없음'}</ul>"
            '<form method="post" action="/my"><label>Wish 담을 것 <input name="wish" maxlength="100" required></label> '
            "<button>Add 담기</button></form>"
            '<p><a href="/my/office">The office, for admins 관리자 사무실</a> · '
            '<a href="/account">Your account 내 계정</a> · <a href="/oauth/logout">Log out 로그아웃</a></p>',
        )

    async def add(self, request: Request) -> Response:
        """One wish more."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_FORM:
                return page(_TITLE, "<p>That is too long 너무 깁니다.</p>", 413)
        wish = parse_qs(body.decode("utf-8", "replace")).get("wish", [""])[0].strip()[:100]
        who = told(request.headers)["user_id"]
        if wish and (who in self._wishes or len(self._wishes) < _MOST_PEOPLE):
            self._wishes[who].append(wish)
        return RedirectResponse("/my", 303)

    async def office(self, request: Request) -> Response:
        """The gateway lets admins in only: nobody is asked here."""
        return page(
            _TITLE, f"<p>All doors are open, <b>{escape(told(request.headers)['user_name'])}</b>.</p>"
        )


def my() -> Starlette:
    """The application."""
    shop = MyShop()
    return Starlette(
        routes=[
            Route("/my", shop.index, methods=["GET"]),
            Route("/my", shop.add, methods=["POST"]),
            Route("/my/office", shop.office, methods=["GET"]),
        ]
    )
