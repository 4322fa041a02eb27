"""The breast-cancer table of Wisconsin."""

from typing import Annotated

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch.optim import AdamW

from stepwell.core.devices import best_device, seeded
from stepwell.data.arrays import ArraySource
from stepwell.data.splits import Splits, split_stratified
from stepwell.metrics import Accuracy, Confusion, Ranking
from stepwell.models import mlp
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Binary
from stepwell.training.experiment import Experiment


def breast_cancer_data(seed: int = 0) -> Splits:
    """569 tumours: float inputs `(n, 30)` scaled by the training rows, targets `(n, 1)`, 1 for the 212 malignant ones.

    Four fifths train and one fifth validates, both kinds in equal proportion.
    """
    table = load_breast_cancer()
    malignant = torch.as_tensor(table.target == 0)
    split = split_stratified(malignant.long(), train=0.8, val=0.2, seed=seed)
    scaled = StandardScaler().fit(table.data[split.rows["train"].numpy()]).transform(table.data)
    return split.apply(ArraySource(torch.as_tensor(scaled, dtype=torch.float32), malignant.float().unsqueeze(1)))


def breast_cancer(
    *,
    hidden: Annotated[tuple[int, ...], "widths of the hidden layers; none: logistic regression"] = (32,),
    dropout: Annotated[float, "share of hidden numbers that a training step leaves out"] = 0.2,
    learning_rate: Annotated[float, "step size of AdamW"] = 2e-3,
    weight_decay: Annotated[float, "pull of the weights towards zero"] = 0.1,
    batch_size: Annotated[int, "rows of an update"] = 32,
    epochs: Annotated[int, "passes over the training rows"] = 30,
    threshold: Annotated[float, "probability from which a tumour is called malignant"] = 0.5,
    seed: Annotated[int, "decides the split, the initial weights, the order and the dropout"] = 0,
) -> Experiment:
    """Tell malignant tumours from benign ones by thirty measures of their cells (Raff, exercise 2.7).

    The areas below the ROC and the precision-recall curve are kept of every validation, beside accuracy, precision and
    recall.
    """
    check_settings(dropout=dropout, learning_rate=learning_rate, weight_decay=weight_decay)
    with seeded(seed):
        model = mlp((30, *hidden, 1), dropout=dropout).to(best_device())
    return Experiment(
        data=breast_cancer_data(seed),
        model=model,
        task=Binary(classes=("benign", "malignant"), threshold=threshold),
        optimizer=AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay),
        batch_size=batch_size,
        epochs=epochs,
        metrics=(Accuracy(), Confusion(2), Ranking()),
        seed=seed,
    )
