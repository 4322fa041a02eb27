"""The page: whole, of one piece with the reports, and under rules that let nothing else run."""

import base64
import hashlib
import re
from importlib.resources import files

import pytest

from stepwell.deploy.page import build
from stepwell.reports.css import DARK, LIGHT

_FOLDER = files("stepwell.deploy.page")
_PARTS = sorted(each.name for each in _FOLDER.iterdir() if each.name.endswith((".js", ".css", ".html")))


def _inside(tag: str) -> str:
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", build.page(), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize(("tag", "rule"), [("script", "script-src"), ("style", "style-src")])
def test_the_policy_allows_just_what_is_in_the_page(tag: str, rule: str) -> None:
    digest = base64.b64encode(hashlib.sha256(_inside(tag).encode()).digest()).decode()
    rules = dict(each.split(" ", 1) for each in build.policy()["Content-Security-Policy"].split("; "))
    assert rules[rule] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert not any("unsafe" in each or "http" in each for each in rules.values())


def test_every_script_of_the_folder_is_in_the_page() -> None:
    script = _inside("script")
    names = [name for name in _PARTS if name.endswith(".js")]
    assert len(names) > 10
    for name in names:
        assert _FOLDER.joinpath(name).read_text(encoding="utf-8") in script, name


def test_nothing_is_asked_of_another_host() -> None:
    addresses = set(re.findall(r"https?://[^\s'\"`)]+", build.page()))
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_there_is_nothing_inline_that_the_policy_would_refuse() -> None:
    body = re.sub(r"<(script|style)>.*?</\1>", "", build.page(), flags=re.DOTALL)
    assert not re.search(r"\s(style|on\w+)=", body)
    assert "innerHTML" not in build.page()  # what a server says is text, never HTML


def test_the_page_holds_nothing_of_the_models_and_is_always_the_same() -> None:
    assert build.page() is build.page()
    assert "{script}" not in build.page()
    assert "{style}" not in build.page()


def test_the_colours_are_those_of_the_reports() -> None:
    style = _inside("style")
    for colours in (LIGHT, DARK):
        assert colours.strip() in style


@pytest.mark.parametrize("name", _PARTS)
def test_a_part_can_be_read_at_a_sitting(name: str) -> None:
    lines = _FOLDER.joinpath(name).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 132 or name == "page.html"
