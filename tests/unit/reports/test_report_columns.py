"""What a page tells of the data: file, columns, warnings; and what it advises about them."""

from stepwell.reports import render
from stepwell.reports.advice import advice
from stepwell.reports.columns import data, features, warnings
from stepwell.reports.command import train

COLUMNS = [
    {"column": "id", "kind": "dropped", "encoding": None, "levels": None, "missing": 0, "why": "it counts the rows"},
    {"column": "temp", "kind": "continuous", "encoding": "number", "levels": None, "missing": 3, "why": "fractions"},
    {"column": "town", "kind": "nominal", "encoding": "embedding", "levels": 212, "missing": 0, "why": "many"},
]
FACTS = {
    "recipe": "table",
    "parameters": {"file": "bikes.csv", "target": "cnt", "drop": ["id"], "dropout": 0.1, "weight_decay": 0.003},
    "arguments": ["file"],
    "defaults": {"drop": [], "dropout": 0.1, "weight_decay": 0.003},
    "data": {"train": 80, "val": 20, "warnings": ["2 equal rows"]},
    "reader": {
        "kind": "table",
        "file": "bikes.csv",
        "dialect": {"delimiter": ";", "encoding": "utf-8"},
        "notes": ["one", "two"],
        "columns": COLUMNS,
        "warnings": ["casual knows cnt alone", "2 equal rows"],
        "features": ["temp", "town"],
        "suspects": ["casual"],
    },
}


def test_columns_are_a_table_those_in_use_first() -> None:
    html = data(FACTS).body_html
    assert "<h3>3 columns</h3>" in html
    assert html.index(">temp<") < html.index(">town<") < html.index(">id<")
    assert '<td class="name">embedding</td><td class="num">212</td><td class="num">0</td>' in html
    assert '<div class="values">it counts the rows</div>' in html
    assert '<th class="num">levels</th><th class="num">missing</th><th class="name">why</th>' in html


def test_the_file_and_what_was_found_in_it_are_told() -> None:
    html = data(FACTS).body_html
    assert '<th class="name">file</th><td class="name">bikes.csv</td>' in html
    assert '<th class="name">dialect delimiter</th><td class="name">;</td>' in html
    assert '<h3>Notes</h3><ul class="notes"><li>one</li><li>two</li></ul>' in html
    assert "suspects" not in html
    assert "features" not in html


def test_the_target_is_told_with_its_reason_and_nothing_that_is_empty() -> None:
    reader = {
        "file": "a.csv",
        "header": True,
        "target": "cnt",
        "task": "regression",
        "classes": [],
        "why": "whole numbers",
    }
    html = data({"reader": reader}).body_html
    assert '<th class="name">task</th><td class="name">regression: whole numbers</td>' in html
    assert '<th class="name">header</th><td class="name">yes</td>' in html
    assert "classes" not in html


def test_very_many_columns_are_cut_short_with_a_count() -> None:
    many = [{"column": f"c{i}", "kind": "continuous" if i % 2 else "nominal"} for i in range(10_000)]
    html = data({"reader": {"columns": many}}).body_html
    assert "<h3>10,000 columns</h3>" in html
    assert html.count("<tr>") == 41
    assert "… and 9,960 more columns: 4,980 nominal, 4,980 continuous." in html


def test_warnings_of_rows_and_columns_come_once_each() -> None:
    html = warnings(FACTS)
    assert html.count("2 equal rows") == html.count("casual knows cnt alone") == 1
    html = warnings({"reader": {"warnings": [f"number {i}" for i in range(100)]}})
    assert html.count('class="warning"') == html.count("<b>100 warnings about the data</b>") == 1
    assert html.count("<li>number") == 12
    assert "… and 88 more warnings about the data." in html
    html = warnings({"reader": {"warnings": ["one", "two; give --drop id", "three"]}})
    assert html.count("<b>Warning</b>") == 3
    assert 'give <span class="option">--drop</span> id' in html
    assert warnings({"reader": {"warnings": None}, "data": {"warnings": ""}}) == ""


def test_facts_of_any_shape_are_taken() -> None:
    for reader in (None, 3, {}, {"columns": None}, {"columns": [1, "x"]}, {"columns": [{}]}, {"columns": {"a": 1}}):
        assert "<h1>table</h1>" in render({**FACTS, "reader": reader}, [])
    assert features({}) == features({"reader": {"features": "x"}}) == []
    odd = {"column": 3, "kind": None, "levels": "some", "missing": "12 %", "why": 4}
    assert "12 %" in data({"reader": {"columns": [odd]}}).body_html


def test_suspected_columns_are_to_be_dropped_with_those_that_were() -> None:
    html = advice(FACTS, []).body_html
    assert "stepwell train table bikes.csv --target cnt --drop id,casual<" in html
    assert "A warning names casual;" in html


OVERFITTED = [{"epoch": e, "train": {"loss": 1 / e}, "val": {"loss": 1 + 0.1 * e}} for e in range(1, 12)]


def test_overfitting_is_met_by_dropout_or_weight_decay_where_the_recipe_has_them() -> None:
    assert "--drop id --dropout 0.3<" in advice(FACTS, OVERFITTED).body_html
    decay = {**FACTS, "parameters": {"dropout": 0.5, "weight_decay": 0.003}}
    assert "--weight-decay 0.03<" in advice(decay, OVERFITTED).body_html
    assert "overfitted" not in advice({**FACTS, "parameters": {}}, OVERFITTED).body_html
    assert "overfitted" not in advice(FACTS, []).body_html


def test_a_command_has_arguments_in_their_place_and_what_is_not_a_default() -> None:
    assert train(FACTS) == "stepwell train table bikes.csv --target cnt --drop id"
    assert train(FACTS, {"dropout": 0.2, "drop": []}) == "stepwell train table bikes.csv --target cnt --dropout 0.2"
    assert train(FACTS, {"hidden": [3, 4], "seed": 2}).endswith("--drop id --hidden 3,4 --seed 2")
