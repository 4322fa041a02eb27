"""Ask an exported model: python onnx_client.py FOLDER INPUT.npy|INPUT.json. Knows numpy and onnxruntime, and no Stepwell."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime


def number(value, kind, levels=(), **_):
    """A value of a column as the graph takes it: NaN where there is none, days since 1970, a place among levels."""
    if value in (None, ""):
        return np.nan
    if kind != "level":
        return float(value) if kind == "number" else np.datetime64(value, "us").astype(float) / 86_400e6
    text = value if isinstance(value, str) else json.dumps(value).removesuffix(".0")
    return levels.index(text) if text in levels else -1


def ask(folder, given):
    """The answers, one a row, for an array or for rows of a table; where there are several inputs, for these by name."""
    facts = json.loads(Path(folder, "model.json").read_text(encoding="utf-8"))
    given = next(iter(given.values())) if isinstance(given, dict) and {*given} & {"inputs", "rows"} else given
    arrays = given if isinstance(given, dict) else {facts["inputs"][0]["name"]: given}
    for each in facts["inputs"]:
        if isinstance(rows := arrays[each["name"]], list):
            if isinstance(rows[0], dict):
                rows = [[number(row[column["name"]], **column) for column in each["columns"]] for row in rows]
            arrays[each["name"]] = np.array(rows, each["dtype"]).reshape(-1, *each["shape"][1:])
    found = onnxruntime.InferenceSession(Path(folder, "model.onnx")).run(None, arrays)[0]
    names, found = facts["answer"]["names"], found.reshape(len(found), -1).astype(float)
    if facts["answer"]["kind"] == "values":
        return [{"values": dict(zip(names, row, strict=True))} for row in found.tolist()]
    best = found.argmax(1)
    if "threshold" in facts["answer"]:  # one probability, that of the second class
        best, found = (found[:, 0] >= facts["answer"]["threshold"]).astype(int), np.hstack([1 - found, found])
    chances = [dict(zip(names, row, strict=True)) for row in found.tolist()]
    return [{"label": names[place], "probabilities": each} for place, each in zip(best, chances, strict=True)]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source = Path(sys.argv[2])
    print(json.dumps(ask(sys.argv[1], np.load(source) if source.suffix == ".npy" else json.loads(source.read_text()))))
