"""How the demo's pages look."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #8886; --paper: light-dark(#fff, #1d1a17); }}
body {{ font: 1rem/1.6 system-ui, sans-serif; margin: 0; background: light-dark(#f6f1ea, #12100e); }}
main {{ max-width: 44rem; margin: 2rem auto; padding: 1rem 1.5rem; background: var(--paper);
border: 1px solid var(--line); border-radius: .75rem }}
td, th {{ padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }}
td:last-child {{ overflow-wrap: anywhere }}
input, button {{ font: inherit; padding: .3rem .6rem }}
@media (max-width: 48rem) {{ main {{ margin: .5rem; padding: .5rem 1rem }} }}
</style>
<main><h1>{title}</h1>
{body}
</main>
</html>"""


def page(title: str, body: str, status: int = 200) -> Response:
    """A page that nobody keeps, frames or is told of."""
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"}
    return HTMLResponse(_PAGE.format(title=title, body=body), status, headers)
