import json
import re

import pytest

from stepwell.deploy.card import Array, Card
from stepwell.deploy.protocols.openapi import document
from stepwell.deploy.protocols.schemas import array


@pytest.fixture
def whole(crop, digits, bikes, waves) -> dict:
    return document([crop, digits, bikes, waves])


def nodes(plain):
    yield plain
    for child in plain.values() if isinstance(plain, dict) else plain if isinstance(plain, list) else ():
        yield from nodes(child)


def operations(whole):
    return [(path, verb, operation) for path, verbs in whole["paths"].items() for verb, operation in verbs.items()]


def test_it_is_json_and_says_what_it_is(whole):
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
    assert whole["openapi"] == "3.1.0"
    assert set(whole["info"]) >= {"title", "version"}


def test_references_lead_somewhere(whole):
    for node in nodes(whole):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            found = whole
            for key in node["$ref"].removeprefix("#/").split("/"):
                found = found[key]


def test_operations_have_names_of_their_own_and_all_path_parameters(whole):
    found = operations(whole)
    ids = [operation["operationId"] for _, _, operation in found]
    assert len(ids) == len(set(ids))
    for path, _, operation in found:
        named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
        assert "200" in operation["responses"]


def test_the_first_model_is_the_default(whole):
    assert whole["paths"]["/predict"]["post"]["requestBody"] == whole["paths"]["/predict/crop"]["post"]["requestBody"]


def test_every_refusal_is_told(whole):
    responses = whole["paths"]["/predict/crop"]["post"]["responses"]
    assert {"400", "401", "404", "406", "413", "415", "422", "429", "500", "503"} <= set(responses)
    assert "Retry-After" in whole["components"]["responses"]["Busy"]["headers"]


def test_bodies_have_the_models_shapes_and_media_types(whole):
    content = whole["paths"]["/predict/digits"]["post"]["requestBody"]["content"]
    assert {"application/json", "application/x-npy", "application/octet-stream", "image/png", "image/jpeg"} <= set(
        content
    )
    assert "text/csv" not in content
    rows, row = content["application/json"]["schema"]["properties"]["inputs"]["oneOf"]
    assert rows["items"] == row
    assert [row["minItems"], row["items"]["minItems"], row["items"]["items"]["minItems"]] == [1, 8, 8]
    assert row["items"]["items"]["items"] == {"type": "integer", "minimum": 0, "maximum": 255}
    assert "64 bytes a row" in content["application/octet-stream"]["schema"]["description"]


def test_answers_have_the_models_classes(whole):
    content = whole["paths"]["/predict/digits"]["post"]["responses"]["200"]["content"]
    answer = content["application/json"]["schema"]["properties"]["answers"]["items"]
    assert answer["properties"]["label"]["enum"] == list("0123456789")
    assert "application/x-npy" in content


def test_tables_have_columns_and_inputs_by_name(whole):
    content = whole["paths"]["/predict/bikes"]["post"]["requestBody"]["content"]
    assert {"text/csv", "application/vnd.apache.parquet"} <= set(content)
    assert "application/x-npy" not in content
    by_input, by_column = content["application/json"]["schema"]["oneOf"]
    assert by_input["properties"]["inputs"]["required"] == ["numbers", "codes"]
    row = by_column["properties"]["rows"]["items"]
    assert row["required"] == ["temp", "season"]
    assert row["properties"]["season"]["examples"] == ["1", "2"]


def test_any_length_has_no_most(waves):
    assert array(waves.inputs[0])["items"] == {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 2,
        "maxItems": 2,
    }
    assert "maxItems" not in array(waves.inputs[0])


def test_names_are_written_as_addresses_and_no_models_are_no_error():
    odd = Card(name="a/b {c}", title="T", kind="arrays", inputs=(Array("input", "bool", ()),), outputs=())
    assert "/predict/a%2Fb%20%7Bc%7D" in document([odd])["paths"]
    assert "/predict" not in document([])["paths"]
