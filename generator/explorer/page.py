"""The page as one file: style, scripts and data, and a policy that allows nothing else."""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from generator.template.options import Value

GENERATOR = "fastapi-service explore"
# Marks a folder as the explorer's own.
MARK = f'<meta name="generator" content="{GENERATOR}">'

_FOLDER = Path(__file__).parent
_SCRIPTS = (
    "vendor/prism.min.js",
    "vendor/diff.min.js",
    "page/yaml.js",
    "page/jinja.js",
    "page/project.js",
    "page/commands.js",
    "page/dom.js",
    "page/code.js",
    "page/tree.js",
    "page/link.js",
    "page/options.js",
    "page/panels.js",
    "page/app.js",
)
# Prism would look for code in the page when it starts.
_PROLOGUE = '"use strict";window.Prism={manual:true};'


def build_page(data: Mapping[str, Value]) -> str:
    """Return the page."""
    own = "\n".join((_FOLDER / name).read_text() for name in _SCRIPTS if name.startswith("page/"))
    vendor = "\n".join((_FOLDER / name).read_text() for name in _SCRIPTS if "vendor" in name)
    script = f"{_PROLOGUE}\n{vendor}\n(() => {{\n{own}\n}})();\n"
    style = (_FOLDER / "page/page.css").read_text()
    policy = [
        "default-src 'none'",
        f"script-src '{_hash(script)}'",
        f"style-src '{_hash(style)}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    page = (_FOLDER / "page/page.html").read_text()
    parts = {
        "policy": "; ".join(policy),
        "generator": GENERATOR,
        "style": style,
        "data": _pack(data),
        "script": script,
    }
    for name, text in parts.items():
        page = page.replace(f"@{name}@", text, 1)
    return page


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _pack(data: Mapping[str, Value]) -> str:
    """Return compressed JSON as text that HTML can hold."""
    text = json.dumps(data, separators=(",", ":"))  # ASCII: patterns may hold lone surrogates.
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
