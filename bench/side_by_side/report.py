"""The report of one run: a markdown table, a JSON object, an SVG chart."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bench.side_by_side.load import Round

COLOURS = {
    "nginx": "#8a8f98",
    "haproxy": "#5b7fb5",
    "worker": "#2f5d9e",
    "answer": "#e0912f",
    "keeper": "#4f9d69",
    "valkey": "#b5483f",
    "other": "#c9ccd1",
}
_LEFT, _BAR, _ROW, _WIDE = 250, 470, 34, 860


def row(rounds: Sequence[Round], beside: Sequence[Round]) -> dict[str, Any]:
    """What came of one variant, over its rounds; `beside` are bare nginx's of the same run."""
    whole = [one.whole for one in rounds]
    ratios = [there.whole / here for here, there in zip(whole, beside, strict=True)]
    return {
        "cpu_us": spread(whole),
        "by_process_us": {
            name: round(statistics.median(one.cpu.get(name, 0.0) for one in rounds), 2)
            for name in rounds[0].cpu
        },
        "ratio_to_nginx": spread(ratios, 3),
        "per_second": spread([one.per_second for one in rounds], 0),
        "p50_us": spread([one.p50 for one in rounds], 0),
        "p99_us": spread([one.p99 for one in rounds], 0),
        "requests": sum(one.requests for one in rounds),
        "refused": sum(one.refused for one in rounds),
        "broken": sum(one.broken for one in rounds),
    }


def spread(values: Sequence[float], digits: int = 2) -> dict[str, float]:
    """Median, least and most."""
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def markdown(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The table that is printed."""
    lines = [
        "| variant | CPU µs a request | ratio to nginx | of which | req/s | p50 / p99 ms | kept |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in rows.items():
        cpu, ratio = one["cpu_us"], one["ratio_to_nginx"]
        parts = ", ".join(f"{part} {us}" for part, us in one["by_process_us"].items() if us >= 0.1)
        kept = "" if one.get("kept_share") is None else f"{one['kept_share']:.0%}"
        lines.append(
            f"| {name} | **{cpu['median']:.1f}** [{cpu['min']:.1f}-{cpu['max']:.1f}] "
            f"| **{ratio['median']:.2f}** [{ratio['min']:.2f}-{ratio['max']:.2f}] | {parts} "
            f"| {one['per_second']['median']:,.0f} "
            f"| {one['p50_us']['median'] / 1000:.2f} / {one['p99_us']['median'] / 1000:.2f} | {kept} |"
        )
    return "\n".join(lines)


def kept_table(kept: Sequence[Mapping[str, Any]]) -> str:
    """What the node keeps of the tokens that were shown to it."""
    lines = [
        "| tokens | shown | until kept, s | kept | rows in the maps | bytes a row | HAProxy's worker, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in kept:
        rows = ", ".join(f"{count:,}" for count in one["rows"].values())
        lines.append(
            f"| {one['tokens']:,} | {one['passes']} times | {one['seconds']:.0f} | {one['share']:.1%} "
            f"| {rows} of {one['room']:,} each | {one['worker_bytes']:,} | {one['worker_mib']:,} |"
        )
    return "\n".join(lines)


def chart(rows: Mapping[str, Mapping[str, Any]], caption: str) -> str:
    """Stacked bars of CPU a request by process, the spread as a line, the ratio beside it."""
    most = max(one["cpu_us"]["max"] for one in rows.values())
    high = 70 + _ROW * len(rows) + 40
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {high}" font-size="13">',
        "<style>text { font-family: sans-serif }</style>",
        f"<title>{escape(caption)}</title>",
        f'<rect width="{_WIDE}" height="{high}" fill="#fff"/>',
        '<text x="12" y="22" font-size="16" font-weight="bold">CPU µs a request, by process</text>',
        f'<text x="12" y="42" fill="#555">{escape(caption)}</text>',
    ]
    for n, (name, one) in enumerate(rows.items()):
        out += _bar(name, one, 60 + n * _ROW, _BAR / most)
    x = 12
    for name, colour in COLOURS.items():
        out.append(f'<rect x="{x}" y="{high - 26}" width="12" height="12" fill="{colour}"/>')
        out.append(f'<text x="{x + 17}" y="{high - 15}">{name}</text>')
        x += 100
    return "\n".join([*out, "</svg>\n"])


def _bar(name: str, one: Mapping[str, Any], y: int, scale: float) -> list[str]:
    cpu = one["cpu_us"]
    out = [f'<text x="{_LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(name)}</text>']
    x = float(_LEFT)
    for part, us in one["by_process_us"].items():
        out.append(
            f'<rect x="{x:.1f}" y="{y}" width="{us * scale:.1f}" height="22" fill="{COLOURS[part]}">'
            f"<title>{part} {us} µs</title></rect>"
        )
        x += us * scale
    low, top = _LEFT + cpu["min"] * scale, _LEFT + cpu["max"] * scale
    out.append(
        f'<line x1="{low:.1f}" x2="{top:.1f}" y1="{y + 11}" y2="{y + 11}" stroke="#222" stroke-width="2"/>'
    )
    ratio = one["ratio_to_nginx"]["median"]
    out.append(f'<text x="{max(x, top) + 8:.1f}" y="{y + 16}">{cpu["median"]:.1f} µs · {ratio:.2f}</text>')
    return out
