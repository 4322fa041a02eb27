"""Classification: torch's losses, the books' weights, and what is refused."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.core.errors import TaskError
from stepwell.metrics import Accuracy, Confusion, Ranking
from stepwell.tasks import Binary, Multiclass, positive_weight

G = torch.Generator().manual_seed(4)
LOGITS = torch.randn(12, generator=G)
TARGETS = (torch.rand(12, generator=G) < 0.4).float()
SCORES = torch.randn(9, 3, generator=G)
CLASSES = torch.tensor([0, 1, 2, 2, 1, 0, 0, 0, 2])


def cross_entropy_by_hand(p: Tensor, y: Tensor, weight: float = 1.0) -> Tensor:
    p, y = p.double(), y.double()
    return -(weight * y * p.log() + (1 - y) * (1 - p).log())


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
@pytest.mark.parametrize("weight", [1.0, 3.5])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_binary_losses_are_those_of_the_formula(shape: tuple[int, ...], weight: float, kind: str) -> None:
    task = Binary(outputs=kind, positive_weight=weight)
    outputs = LOGITS if kind == "logits" else LOGITS.sigmoid()
    expected = cross_entropy_by_hand(LOGITS.sigmoid(), TARGETS, weight)
    losses = task.losses(outputs.reshape(shape), TARGETS.reshape(shape))
    assert losses.shape == (12,)
    torch.testing.assert_close(losses.double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(task.loss(outputs, TARGETS).double(), expected.mean(), rtol=1e-5, atol=1e-6)


def test_binary_loss_is_torchs_to_the_bit() -> None:
    weight = torch.tensor(2.5)
    expected = F.binary_cross_entropy_with_logits(LOGITS, TARGETS, pos_weight=weight)
    assert torch.equal(Binary(positive_weight=2.5).loss(LOGITS, TARGETS), expected)
    assert torch.equal(Binary().loss(LOGITS, TARGETS), nn.BCEWithLogitsLoss()(LOGITS, TARGETS))


def test_the_books_losses_of_two_rows() -> None:
    """Godoy, chapter 3 (row S14): labels 1 and 0, probabilities .9 and .2."""
    probabilities, targets = torch.tensor([0.9, 0.2]), torch.tensor([1.0, 0.0])
    logits = torch.log(probabilities / (1 - probabilities))
    assert float(Binary(outputs="probabilities").loss(probabilities, targets)) == pytest.approx(0.1643, abs=5e-5)
    assert float(Binary().loss(logits, targets)) == pytest.approx(0.1643, abs=5e-5)


def test_the_books_positive_weight_as_torch_divides_and_as_a_true_mean() -> None:
    """Godoy, chapter 3 (row S14): one positive, three equal negatives."""
    logits = torch.log(torch.tensor([0.9 / 0.1, 0.2 / 0.8, 0.2 / 0.8, 0.2 / 0.8]))
    targets = torch.tensor([1.0, 0.0, 0.0, 0.0])
    weight = positive_weight(targets)
    assert weight == 3
    assert float(Binary(positive_weight=weight).loss(logits, targets)) == pytest.approx(0.2464, abs=5e-5)
    true_mean = Binary(positive_weight=weight, weighted_mean=True)
    assert float(true_mean.loss(logits, targets)) == pytest.approx(0.1643, abs=5e-5)
    assert float(true_mean.weight(targets)) == 6


@pytest.mark.parametrize("targets", [torch.zeros(3), torch.ones(3)])
def test_a_positive_weight_needs_both_classes(targets: Tensor) -> None:
    with pytest.raises(TaskError, match="of 3 targets are positive; both classes need rows"):
        positive_weight(targets)


def test_the_books_class_weights() -> None:
    """Godoy, chapter 5 (row S27): torch seed 11, labels 0 0 1 2 1."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        logits = torch.randn(5, 3)
    targets = torch.tensor([0, 0, 1, 2, 1])
    assert float(Multiclass(classes=3).loss(logits, targets)) == pytest.approx(1.6553, abs=5e-5)
    weighted = Multiclass(classes=3, class_weights=(1.0, 1.0, 2.0))
    assert float(weighted.loss(logits, targets)) == pytest.approx(1.7188, abs=5e-5)
    assert float(weighted.weight(targets)) == 6
    by_hand = Multiclass(classes=3, outputs="log_probabilities", class_weights=(1.0, 1.0, 2.0))
    assert float(by_hand.loss(logits.log_softmax(1), targets)) == pytest.approx(1.7188, abs=5e-5)


def test_multiclass_loss_is_torchs_to_the_bit() -> None:
    weights = (0.5, 2.0, 1.0)
    assert torch.equal(Multiclass(classes=3).loss(SCORES, CLASSES), F.cross_entropy(SCORES, CLASSES))
    expected = F.cross_entropy(SCORES, CLASSES, weight=torch.tensor(weights))
    assert torch.equal(Multiclass(classes=3, class_weights=weights).loss(SCORES, CLASSES), expected)
    log_probabilities = SCORES.log_softmax(1)
    task = Multiclass(classes=3, outputs="log_probabilities")
    assert torch.equal(task.loss(log_probabilities, CLASSES), F.nll_loss(log_probabilities, CLASSES))


def test_pixels_are_averaged_within_a_row() -> None:
    outputs, targets = torch.randn(4, 3, 5, 6, generator=G), torch.randint(3, (4, 5, 6), generator=G)
    for weights in (None, (0.5, 2.0, 1.0)):
        task = Multiclass(classes=3, class_weights=weights)
        losses = task.losses(outputs, targets)
        assert losses.shape == (4,)
        torch.testing.assert_close(losses.sum() / task.weight(targets), task.loss(outputs, targets))


# What is refused, and in which words.


def bad(task: Binary | Multiclass, outputs: Tensor, targets: Tensor) -> str:
    with pytest.raises(TaskError) as caught:
        task.check_outputs(outputs, targets)
    return str(caught.value)


@pytest.mark.parametrize("check", ["losses", "loss", "check_outputs"])
@pytest.mark.parametrize(
    ("outputs", "targets", "mend"),
    [
        ((4, 1), (4,), r"give the targets a last dimension, targets\.unsqueeze\(-1\)"),
        ((4,), (4, 1), r"drop the targets' last dimension, targets\.squeeze\(-1\)"),
        ((4, 2), (4,), r"the model's last layer should give \(\) numbers a row"),
        ((4, 3), (4, 2), r"the model's last layer should give \(2,\) numbers a row"),
        ((3,), (4,), "does not broadcast them against each other"),
    ],
)
def test_binary_refuses_shapes_that_would_broadcast(
    check: str, outputs: tuple[int, ...], targets: tuple[int, ...], mend: str
) -> None:
    with pytest.raises(TaskError, match=mend) as caught:
        getattr(Binary(), check)(torch.zeros(outputs), torch.zeros(targets))
    assert f"The outputs have the shape {outputs}, the targets {targets}." in str(caught.value)


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        (torch.tensor([0, 1]), r"The targets are torch\.int64; this loss needs floating numbers: targets\.float\(\)\."),
        (torch.tensor([True]), r"The targets are torch\.bool; this loss needs floating numbers"),
        (torch.tensor([0.0, 2.0]), r"Targets of two classes are 0\.0 or 1\.0; there is 2 among these\."),
        (torch.tensor([0.5]), r"there is 0\.5 among these"),
        (torch.tensor([float("nan")]), r"there is nan among these"),
        (torch.zeros(3, 2), r"Binary takes one target a row; these have the shape \(3, 2\)\."),
    ],
)
def test_binary_refuses_targets(targets: Tensor, text: str) -> None:
    with pytest.raises(TaskError, match=text):
        Binary().check_targets(targets)


@pytest.mark.parametrize("targets", [torch.tensor([0.0, 1.0]), torch.tensor([[1.0]]), torch.ones(2).double()])
def test_binary_takes_targets(targets: Tensor) -> None:
    Binary().check_targets(targets)


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        (torch.tensor([0.0, 1.0]), r"The targets are torch\.float32; class numbers are int64: targets\.long\(\)\."),
        (torch.tensor([0, 1], dtype=torch.int32), r"The targets are torch\.int32; class numbers are int64"),
        (torch.eye(3), r"class numbers are int64: targets\.argmax\(1\), if they are one-hot\."),
        (torch.tensor([0, 3]), r"There is a target 3, but 3 classes are numbered 0 to 2\."),
        (torch.tensor([-1, 2]), r"There is a target -1, but 3 classes are numbered 0 to 2\."),
    ],
)
def test_multiclass_refuses_targets(targets: Tensor, text: str) -> None:
    with pytest.raises(TaskError, match=text):
        Multiclass(classes=3).check_targets(targets)


@pytest.mark.parametrize("check", ["losses", "loss", "check_outputs"])
@pytest.mark.parametrize("targets", [torch.eye(3).long(), torch.tensor([[0], [1], [2]]), torch.tensor([0, 1])])
def test_multiclass_refuses_shapes(check: str, targets: Tensor) -> None:
    with pytest.raises(TaskError, match=r"expected \(batch, classes, …\) and \(batch, …\): .* not one-hot\."):
        getattr(Multiclass(classes=3), check)(torch.zeros(3, 3), targets)


def test_multiclass_refuses_another_number_of_outputs() -> None:
    text = bad(Multiclass(classes=3), torch.zeros(2, 4), torch.tensor([0, 1]))
    assert text == "The model gives 4 numbers a row, but there are 3 classes."


def test_there_is_one_weight_for_each_class() -> None:
    with pytest.raises(TaskError, match="There are 3 classes but 2 class weights; give one each"):
        Multiclass(classes=("a", "b", "c"), class_weights=(1.0, 2.0))


@pytest.mark.parametrize("task", [Binary, Multiclass])
def test_a_misspelt_setting_is_refused(task: type) -> None:
    more = {} if task is Binary else {"classes": 2}
    with pytest.raises(TaskError, match=r"Unknown outputs 'logit'; known: .* Did you mean 'logits'\?"):
        task(outputs="logit", **more)


ENDS = {
    "nn.Sigmoid": (nn.Sigmoid(), lambda x: x),
    "torch.sigmoid": (nn.Identity(), torch.sigmoid),
    "behind a squeeze": (nn.Sigmoid(), lambda x: x.squeeze(-1).unsqueeze(-1)),
    "behind a view": (nn.Sigmoid(), lambda x: x.view(-1).reshape(-1, 1)),
    "behind a choice of columns": (nn.Sigmoid(), lambda x: torch.cat([x, x], 1).sigmoid()[:, :1]),
    "behind the choice of one": (nn.Sigmoid(), lambda x: x[:, 0].unsqueeze(-1)),
    "behind a clamp": (nn.Sigmoid(), lambda x: x.clamp(1e-6, 1 - 1e-6)),
    "behind a change of dtype": (nn.Sigmoid(), lambda x: x.double().float()),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_sigmoid_before_a_logit_loss_is_refused(end: str) -> None:
    layer, function = ENDS[end]
    outputs = function(nn.Sequential(nn.Linear(3, 1), layer)(torch.ones(4, 3)))
    text = bad(Binary(), outputs, torch.zeros(4, 1))
    assert text.startswith(
        "The model ends in nn.Sigmoid, so its outputs are probabilities, but the loss expects logits"
    )
    assert "Remove the last nn.Sigmoid, or say outputs='probabilities'" in text


SOFTMAXES = {
    "nn.Softmax": nn.Softmax(dim=1),
    "torch.softmax": lambda x: torch.softmax(x, 1),
    "behind a view": lambda x: x.softmax(1).view(-1).view(4, 3),
    "behind a squeeze": lambda x: x.unsqueeze(-1).softmax(1).squeeze(-1),
}


@pytest.mark.parametrize("end", SOFTMAXES)
def test_a_softmax_before_a_logit_loss_is_refused(end: str) -> None:
    outputs = SOFTMAXES[end](nn.Linear(2, 3)(torch.ones(4, 2)))
    text = bad(Multiclass(classes=3), outputs, torch.tensor([0, 1, 2, 0]))
    assert text.startswith("The model ends in nn.Softmax")


def test_a_softmax_by_hand_before_a_logit_loss_is_refused() -> None:
    exponentials = nn.Linear(2, 3)(torch.randn(4, 2, generator=G)).exp()
    text = bad(Multiclass(classes=3), exponentials / exponentials.sum(1, keepdim=True), torch.tensor([0, 1, 2, 0]))
    assert text.startswith("The outputs of each row are none negative and sum to 1")


@pytest.mark.parametrize(
    "outputs",
    [nn.Linear(2, 3)(torch.ones(4, 2)), nn.ReLU()(nn.Linear(2, 3)(torch.ones(4, 2))), torch.zeros(4, 3)],
)
def test_logits_are_taken_by_a_logit_loss(outputs: Tensor) -> None:
    Multiclass(classes=3).check_outputs(outputs, torch.tensor([0, 1, 2, 0]))
    Binary().check_outputs(outputs[:, 0], torch.zeros(4))


def test_a_sigmoid_inside_the_model_is_not_one_at_its_end() -> None:
    model = nn.Sequential(nn.Linear(2, 5), nn.Sigmoid(), nn.Linear(5, 1))
    Binary().check_outputs(model(torch.ones(4, 2)), torch.zeros(4, 1))


def test_logits_before_a_probability_loss_are_refused() -> None:
    task = Binary(outputs="probabilities")
    text = bad(task, torch.tensor([0.5, 1.5]), torch.zeros(2))
    assert "some lie outside 0..1: they are logits. Say outputs='logits' (more exact)" in text
    layer = nn.Linear(1, 1)
    nn.init.constant_(layer.weight, 0.0)
    nn.init.constant_(layer.bias, 0.5)
    text = bad(task, layer(torch.ones(3, 1)), torch.zeros(3, 1))
    assert "they come from a linear layer: they are logits" in text


def test_probabilities_before_a_probability_loss_are_taken() -> None:
    outputs = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())(torch.ones(4, 2))
    Binary(outputs="probabilities").check_outputs(outputs, torch.zeros(4, 1))


@pytest.mark.parametrize("outputs", [torch.randn(4, 3, generator=G), torch.full((4, 3), 1 / 3), -torch.ones(4, 3)])
def test_what_is_no_log_probability_is_refused(outputs: Tensor) -> None:
    text = bad(Multiclass(classes=3, outputs="log_probabilities"), outputs, torch.tensor([0, 1, 2, 0]))
    assert "their exponentials do not sum to 1: they are logits" in text


def test_log_probabilities_are_taken() -> None:
    task = Multiclass(classes=3, outputs="log_probabilities")
    task.check_outputs(SCORES.log_softmax(1), CLASSES)
    task.check_outputs(SCORES.log_softmax(1).bfloat16(), CLASSES)


# bf16: losses are computed in float32, whatever the model gives.


@pytest.mark.parametrize("autocast", [False, True])
def test_losses_of_bf16_outputs_are_those_of_the_same_numbers_in_float32(autocast: bool) -> None:
    cases = [
        (Binary(), LOGITS, TARGETS),
        (Binary(outputs="probabilities", positive_weight=2.0), LOGITS.sigmoid(), TARGETS),
        (Multiclass(classes=3, class_weights=(1.0, 0.3, 2.0)), SCORES, CLASSES),
        (Multiclass(classes=3, outputs="log_probabilities"), SCORES.log_softmax(1), CLASSES),
    ]
    for task, outputs, targets in cases:
        half = outputs.bfloat16()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            losses, loss = task.losses(half, targets), task.loss(half, targets)
        assert losses.dtype == loss.dtype == torch.float32
        torch.testing.assert_close(losses, task.losses(half.float(), targets))
        torch.testing.assert_close(loss, task.loss(half.float(), targets))


# What the outputs say.


def test_binary_predictions_labels_scores_and_answers() -> None:
    task = Binary(classes=("no", "yes"), threshold=0.7)
    outputs = torch.tensor([[0.0], [2.0]])
    assert torch.equal(task.predict(outputs), outputs.sigmoid())
    assert task.view("labels", outputs).tolist() == [0, 1]
    assert torch.equal(task.view("scores", outputs), outputs[:, 0])
    first, second = task.answers(outputs)
    assert (first["label"], second["label"]) == ("no", "yes")
    p = 1 / (1 + math.exp(-2))
    assert second["probabilities"] == pytest.approx({"no": 1 - p, "yes": p})
    assert task.name_target(torch.tensor([1.0])) == "yes"
    half = torch.tensor([0.7])
    assert Binary(outputs="probabilities", threshold=0.7).view("labels", half).tolist() == [1]


def test_multiclass_predictions_labels_scores_and_answers() -> None:
    task = Multiclass(classes=("a", "b"))
    outputs = torch.tensor([[1.0, 3.0], [2.0, 0.0]])
    torch.testing.assert_close(task.predict(outputs).sum(1), torch.ones(2))
    assert task.view("labels", outputs).tolist() == [1, 0]
    assert task.view("scores", outputs).tolist() == [2.0, -2.0]
    assert [answer["label"] for answer in task.answers(outputs)] == ["b", "a"]
    assert task.answers(outputs)[0]["probabilities"]["b"] == pytest.approx(1 / (1 + math.exp(-2)))
    assert task.name_target(torch.tensor(1)) == "b"
    assert Multiclass(classes=3).names == ("0", "1", "2")
    log_probabilities = outputs.log_softmax(1)
    torch.testing.assert_close(
        Multiclass(classes=2, outputs="log_probabilities").predict(log_probabilities), outputs.softmax(1)
    )


def test_views_that_do_not_exist_are_refused() -> None:
    with pytest.raises(TaskError, match="A metric of values does not fit classification"):
        Binary().view("values", LOGITS)
    with pytest.raises(TaskError, match="A metric of scores does not fit 3 classes"):
        Multiclass(classes=3).view("scores", SCORES)


def test_metrics_and_what_is_watched() -> None:
    assert [type(m) for m in Binary().final_metrics()] == [Accuracy, Confusion, Ranking]
    assert [type(m) for m in Multiclass(classes=3).final_metrics()] == [Accuracy, Confusion]
    assert [type(m) for m in Multiclass(classes=3).train_metrics()] == [Accuracy]
    assert Binary.watch == Multiclass.watch == ("accuracy", "max")


def test_no_rows_weigh_nothing() -> None:
    empty = torch.empty(0, 5, dtype=torch.int64)
    assert float(Multiclass(classes=2, class_weights=(1.0, 2.0)).weight(empty)) == 0
    assert float(Binary(weighted_mean=True, positive_weight=2.0).weight(torch.empty(0))) == 0
