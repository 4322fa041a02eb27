"""Two kinds of pictures, each translated into the other, without pairs."""

from pathlib import Path
from typing import Annotated

from torch.optim import Adam

from stepwell.core.devices import best_device, seeded
from stepwell.core.errors import RecipeError
from stepwell.models import CycleGAN
from stepwell.recipes.cifar import cifar_pairs
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Translation
from stepwell.training.adversarial import adversarial_step
from stepwell.training.experiment import Experiment
from stepwell.training.hooks.pictures import Pictures


def cyclegan(
    *,
    data: Annotated[
        Path | None, "the folder of data sets, or an archive of CIFAR-10's pictures; else STEPWELL_DATA"
    ] = None,
    kinds: Annotated[tuple[str, ...], "the two classes"] = ("horse", "deer"),
    pictures: Annotated[int, "training pictures of each class"] = 1000,
    width: Annotated[int, "channels of the first convolutions"] = 16,
    blocks: Annotated[int, "residual blocks of a generator"] = 3,
    layers: Annotated[int, "halvings of a discriminator, whose patches have 16, 34, 70 pixels for 1, 2, 3"] = 1,
    cycle: Annotated[float, "weight of what a picture loses on its way there and back"] = 10.0,
    identity: Annotated[float, "weight of what a generator changes of a picture of its own kind"] = 0.0,
    learning_rate: Annotated[float, "step size of Adam"] = 4e-4,
    batch_size: Annotated[int, "pairs of an update"] = 8,
    epochs: Annotated[int, "passes over the training pictures of the first class"] = 20,
    seed: Annotated[int, "decides the initial weights, the order and the pairs"] = 0,
) -> Experiment:
    """Translate between two kinds of pictures that come without pairs: horses and deer of CIFAR-10 (a small CycleGAN).

    Two generators are trained to fool two discriminators, and to give back what went in after the way there and back. Every
    epoch the run gets a picture of what they make. The numbers tell whether the game is balanced, not whether it looks good.
    """
    check_settings(pictures=pictures, width=width, blocks=blocks, layers=layers, learning_rate=learning_rate)
    if len(kinds) != 2:
        raise RecipeError(f"A translation is between two classes; given: {', '.join(kinds) or 'none'}.")
    one, two = kinds
    pairs, some_one, some_two = cifar_pairs(data, (one, two), pictures)
    with seeded(seed):
        model = CycleGAN(width=width, blocks=blocks, layers=layers, identity=identity > 0).to(best_device())
    sides = [{"params": model.generators}, {"params": model.discriminators}]
    return Experiment(
        data=pairs,
        model=model,
        task=Translation(kinds=(one, two), cycle=cycle, identity=identity),
        optimizer=Adam(sides, lr=learning_rate, betas=(0.5, 0.999)),
        batch_size=batch_size,
        epochs=epochs,
        step=adversarial_step,
        hooks=(Pictures(some_one, some_two, kinds=(one, two)),),
        seed=seed,
    )
