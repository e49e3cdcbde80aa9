"""The badge of a README: how many combinations passed, and when."""

from html import escape

from generator.template.options import Value

# Widths of letters in the badge's font, on average.
_LETTER = 6.6
_BADGE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{text}">
<title>{text}</title>
<rect width="{width}" height="20" rx="3" fill="{color}"/>
<text x="8" y="14" fill="#fff" font-family="Verdana,sans-serif" font-size="11">{text}</text>
</svg>
"""
_GREEN = "#1a6b35"
_RED = "#a3242c"
_GRAY = "#515d6d"


def build_badge(proof: Value) -> str:
    """Return an SVG image. `proof` is that of the page's data."""
    if not isinstance(proof, dict):
        return _draw("combinations: no report", _GRAY)
    rows = proof["rows"]
    assert isinstance(rows, list)
    passed = sum(1 for row in rows if isinstance(row, dict) and row["ok"])
    day = str(proof["started"])[:10]
    color = _GREEN if rows and passed == len(rows) else _RED
    return _draw(f"{passed} of {len(rows)} combinations passed, {day}", color)


def _draw(text: str, color: str) -> str:
    return _BADGE.format(text=escape(text), color=color, width=round(16 + len(text) * _LETTER))
