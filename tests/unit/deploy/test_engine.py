"""What a worker does with a batch."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from served_models import NAN, RAISE, servable

from stepwell.core.errors import ModelError
from stepwell.deploy.calls import File
from stepwell.deploy.engine import Engine
from stepwell.deploy.shown import shown
from stepwell.deploy.warm import warm_up
from stepwell.deploy.work import Work


def work(*values, wants="answers"):
    rows = np.array(values, np.float32)[:, None]
    return Work(model="double", wants=[wants] * len(values), rows=[1] * len(values), arrays={"input": rows})


def answered(outcome):
    return [answer["values"]["value"] for answer in json.loads(outcome.answers)]


def test_each_call_gets_its_own_rows():
    engine = Engine([servable({})], max_rows=64)
    batch = Work(
        model="double", wants=["answers"] * 3, rows=[1, 3, 2], arrays={"input": np.arange(6, dtype=np.float32)[:, None]}
    )
    outcomes = engine.run(batch)
    assert [answered(outcome) for outcome in outcomes] == [[0], [2, 4, 6], [8, 10]]
    assert [outcome.rows for outcome in outcomes] == [1, 3, 2]


def test_more_rows_than_a_batch_has_go_through_in_parts():
    seen = []
    made = servable({})
    made.model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    batch = Work(
        model="double", wants=["arrays"], rows=[10], arrays={"input": np.arange(10, dtype=np.float32)[:, None]}
    )
    (outcome,) = Engine([made], max_rows=4).run(batch)
    assert seen == [4, 4, 2]
    assert outcome.arrays["output"].tolist() == [[2.0 * number] for number in range(10)]


def test_one_bad_input_fails_alone():
    outcomes = Engine([servable({})], max_rows=64).run(work(1, RAISE, 3))
    assert [answered(outcomes[number]) for number in (0, 2)] == [[2], [6]]
    assert outcomes[1].refusal == (500, "The model failed on this input: ValueError: minus one is not for me")


def test_an_answer_that_is_not_finite_is_refused_alone_as_json_but_given_as_an_array():
    engine = Engine([servable({})], max_rows=64)
    good, bad = engine.run(work(1, NAN))
    assert answered(good) == [2]
    assert bad.refusal is not None
    assert bad.refusal[0] == 422
    assert "not finite" in bad.refusal[1]
    assert np.isnan(engine.run(work(NAN, wants="arrays"))[0].arrays["output"]).all()


def test_a_model_without_a_reader_refuses_files_and_one_without_explanations_those():
    engine = Engine([servable({})], max_rows=64)
    (outcome,) = engine.run(Work(model="double", wants=["answers"], files=[File(b"x", ".csv")]))
    assert outcome.refusal is not None
    assert outcome.refusal[0] == 415
    assert engine.run(work(1, wants="explanation"))[0].refusal == (
        422,
        "There is no explanation for models such as double.",
    )


def test_a_model_of_another_number_of_rows_is_refused_before_it_serves():
    made = servable({})
    made.model[1].forward = lambda x: x[:1]
    with pytest.raises(ModelError, match="gave 1 rows for 8"):
        warm_up([made], 8)


def test_examples_are_bodies_that_the_protocols_read():
    (kind, body), *_ = shown([servable({"size": 3})])["double"]
    assert kind == "application/x-npy"
    assert body.startswith("\x93NUMPY")


def test_the_engine_takes_no_gradients():
    made = servable({})
    assert not made.outputs(torch.ones(1, 1)).requires_grad


def test_one_row_is_explained_at_a_time():
    made = dataclasses.replace(servable({}), explain=lambda _, inputs: {"first": float(inputs[0, 0])})
    engine = Engine([made], max_rows=64)
    (one,) = engine.run(work(3, wants="explanation"))
    assert json.loads(one.answers) == {"first": 3.0}
    two = Work(model="double", wants=["explanation"], rows=[2], arrays={"input": np.ones((2, 1), np.float32)})
    assert engine.run(two)[0].refusal == (
        422, "/explain explains one row at a time; here are 2. Send each by itself.",
    )  # fmt: skip
