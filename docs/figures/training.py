"""Training."""

import numpy as np
from matplotlib.figure import Figure

from figures.entry import entry
from figures.trained import losses, resumed, scores, trained
from stepwell import plots
from stepwell.reports.diagnosis import diagnose


@entry("Raff 1.8, 2.1, 2.2")
def loop() -> Figure:
    """The training loop and its stages."""
    return plots.graph(
        [
            ("batch", "forward"),
            ("forward", "loss"),
            ("loss", "backward"),
            ("backward", "step"),
            ("step", "epoch?"),
            ("epoch?", "batch", "next batch"),
            ("epoch?", "validate", "all rows seen"),
            ("validate", "batch", "next epoch"),
        ],
        kinds={
            "batch": "preparation",
            "forward": "prediction and loss",
            "loss": "prediction and loss",
            "backward": "update",
            "step": "update",
            "epoch?": "question",
            "validate": "validation",
        },
        texts={
            "batch": "take a batch",
            "forward": "ŷ = f(x; Θ)",
            "loss": "loss ℓ(y, ŷ)",
            "backward": "gradients, from zero",
            "step": "optimizer moves Θ",
            "epoch?": "was that the last batch?",
        },
    )


@entry("Stevens A:3205")
def learning_process() -> Figure:
    """Learning from data: what errors there are decides how the parameters change, again and again."""
    return plots.graph(
        [
            ("inputs", "model"),
            ("parameters", "model"),
            ("model", "errors", "answers"),
            ("truth", "errors"),
            ("errors", "change", "gradients"),
            ("change", "parameters", "iterate"),
        ],
        kinds={
            "inputs": "data",
            "parameters": "parameter",
            "truth": "data",
            "model": "layer",
            "errors": "loss",
            "change": "operation",
        },
        texts={"truth": "desired answers", "change": "change the parameters"},
    )


@entry("Stevens A:4092")
def held_out() -> Figure:
    """What is known of the world is parted: some of it trains, some says whether to go on, some is looked at once."""
    return plots.graph(
        [
            ("rows", "train", "most"),
            ("rows", "val", "some"),
            ("rows", "test", "some"),
            ("train", "fit"),
            ("fit", "model"),
            ("val", "choose"),
            ("model", "choose", "each epoch"),
            ("choose", "fit", "go on, or stop"),
            ("test", "judge"),
            ("choose", "judge", "once"),
        ],
        kinds={"rows": "data", "train": "data", "val": "data", "test": "data"}
        | {"fit": "operation", "model": "layer", "choose": "question", "judge": "result"},
        texts={"train": "training rows", "val": "validation rows", "test": "test rows", "choose": "is it better?"},
    )


@entry("Godoy 2.1, 2.1.2 (2.2 to 2.7 are screens of TensorBoard with the same numbers)", slow=True)
def line_losses() -> Figure:
    """Losses of 200 epochs, on a logarithmic scale."""
    found = losses(trained("line"))
    return plots.curves(range(1, 201), found, ylabel="loss (logarithmic scale)", log=True)


@entry("Godoy 2.8, 2.1.3", slow=True)
def resumed_losses() -> Figure:
    """Saved after 200 epochs and resumed for 50 more, in a new model from the checkpoint: the curve goes on where it was."""
    found = losses(resumed("line", 200, 250))
    epochs = range(1, 251)
    return plots.progress(
        {name: (epochs, values) for name, values in found.items()},
        xlabel="epoch",
        ylabel="loss (logarithmic scale)",
        log=True,
        marks={"checkpoint": 200},
    )


@entry("Stevens A:4216")
def four_shapes() -> Figure:
    """Four shapes of loss curves and what Stepwell says of them.

    The curves are made by formulas, no trainings: each is the plain case of its shape.
    A: neither falls. B: training falls and validation rises. C: both fall together. D: both fall, with a gap.
    """
    epochs = np.arange(1, 41)
    fall, rise = np.exp(-epochs / 8), (epochs / 40) ** 2
    noise = 0.01 * np.random.default_rng(0).normal(size=(2, 40))
    shapes = {
        "A": (1.0 + noise[0], 1.05 + noise[1]),
        "B": (0.05 + fall, 0.35 + fall + 0.8 * rise),
        "C": (0.05 + fall, 0.08 + 1.05 * fall),
        "D": (0.05 + fall, 0.4 + 0.9 * fall),
    }

    def history(train: np.ndarray, val: np.ndarray) -> list[dict[str, object]]:
        pairs = zip(train.tolist(), val.tolist(), strict=True)
        return [{"epoch": n, "train": {"loss": a}, "val": {"loss": b}} for n, (a, b) in enumerate(pairs, 1)]

    return plots.panels(
        {
            f"{name}. {diagnose(history(*curve)).split(':')[0].split('.')[0]}": lambda ax, curve=curve: plots.curves(
                epochs, dict(zip(("train", "validation"), curve, strict=True)), ylabel="loss", ax=ax
            )
            for name, curve in shapes.items()
        },
        share="y",
        size=(3.6, 2.3),
    )


@entry("Raff, plot 14", slow=True)
def accuracy() -> Figure:
    """Accuracy over epochs: 8,000 training rows make a smooth line, 200 validation rows a jagged one.

    Batches of 8 at rate 0.008 for 20 epochs, which is quicker than the book's single rows at 0.001 for 5.
    """
    training = trained("moons-softmax", metrics=True, batch_size=8, learning_rate=8e-3, epochs=20)
    return plots.curves(range(1, 21), scores(training, "accuracy"), ylabel="accuracy")


@entry("Raff, plot 15", slow=True)
def f1_over_time() -> Figure:
    """F1 over the steps that were made: what a training costs says more than how many epochs it had.

    The book draws it over seconds, which differ from machine to machine; the settings are those of the figure before.
    """
    training = trained("moons-softmax", metrics=True, batch_size=8, learning_rate=8e-3, epochs=20)
    steps = np.arange(1, 21) * 1000
    return plots.progress(
        {name: (steps, values) for name, values in scores(training, "f1").items()}, xlabel="steps", ylabel="F1"
    )


@entry("Raff, plots 16 and 17", slow=True)
def batch_sizes() -> Figure:
    """Validation accuracy for three batch sizes over the updates that they made in the same five epochs.

    The book draws it over seconds, which differ from machine to machine.
    A batch of one makes 8,000 updates an epoch, one of 32 makes 250, and all rows at once a single one, which hardly
    learns.
    """
    sizes = {"1 row": 1, "32 rows": 32, "all rows": 8000}
    runs = {
        name: scores(trained("moons-softmax", metrics=True, batch_size=size), "accuracy")["validation"]
        for name, size in sizes.items()
    }
    updates = {name: np.arange(1, 6) * (8000 // size) for name, size in sizes.items()}
    return plots.progress(
        {name: (updates[name], values) for name, values in runs.items()},
        xlabel="updates",
        ylabel="validation accuracy",
        log_x=True,
    )
