"""The page put together, and the rules under which a browser shows it."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

_SCRIPTS = (
    "wire", "arrays", "dom", "ink", "pad", "command", "bars", "seen", "chart", "answer", "asking",
    "numbers", "row", "files", "pictures", "boxes", "main",
)  # fmt: skip


@cache
def page() -> str:
    """The whole page as HTML. It holds nothing of the models: a script asks the server for them, with a token if it wants one."""
    return _read("page.html").replace("{style}", _style()).replace("{script}", _script())


@cache
def policy() -> dict[str, str]:
    """The headers to send with it: only its own style and script run, it talks to its own server alone, and no other page may
    frame it.
    """
    rules = (
        "default-src 'none'",
        f"script-src {_hash(_script())}",
        f"style-src {_hash(_style())}",
        "connect-src 'self'",
        "img-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(rules),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }


@cache
def _script() -> str:
    parts = "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


@cache
def _style() -> str:
    return _read("page.css")


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """A source of a Content-Security-Policy (level 2): the browser runs what has this hash, to the letter."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
