"""Data as tensors."""

import numpy as np
from matplotlib.figure import Figure

from figures.entry import data_path, entry
from figures.files import bikes, ct_slices, picture, wine
from stepwell import plots
from stepwell.data.generators import digits
from stepwell.data.words import encode_words, word_index, words

_SENTENCE = "“Impossible, Mr. Bennet, impossible, when I am not acquainted with him"
_NOUNS = {"fruit": (0.0, 0.33), "flower": (0.33, 0.66), "dog": (0.66, 1.0)}
_COLOURS = {"red": 0.1, "orange": 0.3, "yellow": 0.5, "white": 0.7, "brown": 0.9}
_PLACED = {
    "apple": ("fruit", "red", 0.5),
    "cherry": ("fruit", "red", 0.15),
    "orange": ("fruit", "orange", 0.5),
    "lemon": ("fruit", "yellow", 0.4),
    "banana": ("fruit", "yellow", 0.8),
    "lychee": ("fruit", "white", 0.3),
    "coconut": ("fruit", "brown", 0.5),
    "rose": ("flower", "red", 0.6),
    "poppy": ("flower", "red", 0.2),
    "lily": ("flower", "orange", 0.5),
    "sunflower": ("flower", "yellow", 0.6),
    "daisy": ("flower", "white", 0.4),
    "red setter": ("dog", "red", 0.4),
    "golden retriever": ("dog", "yellow", 0.4),
    "poodle": ("dog", "white", 0.5),
    "dachshund": ("dog", "brown", 0.4),
}


@entry("Raff, plot 3")
def pictures() -> Figure:
    """Pictures under their classes: the first twelve of scikit-learn's digits."""
    data = digits()
    return plots.images(data.images[:12], [f"digit {label}" for label in data.labels[:12].tolist()])


@entry("Stevens A:2163", needs="images/bobby.jpg")
def channels() -> Figure:
    """The channels of a picture: what its red, green and blue numbers look like alone."""
    dog = picture("images/bobby.jpg", 150)
    alone = [dog * np.eye(3)[channel][:, None, None] for channel in range(3)]
    return plots.images([dog, *alone], ["all three", "red", "green", "blue"], columns=4)


@entry("Stevens A:2242", needs="images/cat1.png")
def normalised() -> Figure:
    """A picture before and after it was normalised by each channel's mean and deviation, and taken back.

    Both histograms are of the same pixels. Drawn as it is, a normalised picture is clipped at 0 and 1 (pitfall P27).
    """
    cat = picture("images/cat1.png", 64)
    mean, deviation = cat.mean(axis=(1, 2), keepdims=True), cat.std(axis=(1, 2), keepdims=True)
    standard = (cat - mean) / deviation
    shown = {"before": cat, "normalised": standard.clip(0, 1), "taken back": standard * deviation + mean}
    return plots.panels(
        {
            "the picture": lambda ax: plots.images(list(shown.values()), list(shown), columns=3, ax=ax),
            "red pixels before": lambda ax: plots.histogram(cat[0], xlabel="value", ax=ax),
            "red pixels normalised": lambda ax: plots.histogram(standard[0], xlabel="value", ax=ax),
        },
        columns=3,
        widths=(1.7, 1, 1),
        size=(3.6, 2.2),
    )


@entry("Stevens A:2262", needs="chest-ct")
def ct() -> Figure:
    """Slices of a chest CT from the feet up, air black and bone white: −1000 to 600 Hounsfield units."""
    numbers = [12, 24, 32, 44, 60, 76]
    slices = ct_slices("chest-ct", numbers, step=6).clip(-1000, 600)
    return plots.images(slices, [f"slice {number}" for number in numbers], columns=3)


@entry("Stevens A:2344", needs="wine/winequality-white.csv")
def wines() -> Figure:
    """Sulphur dioxide and the quality of 4,898 white wines: bad ones tend to have more of it, but it decides little.

    The qualities are whole numbers; each point is moved up or down a little, so that those of one quality do not hide each
    other.
    """
    quality, sulphur = (wine()[name].to_numpy() for name in ("quality", "total sulfur dioxide"))
    spread = np.random.default_rng(0).uniform(-0.3, 0.3, len(quality))
    groups = {"bad, ≤ 3": quality <= 3, "middling": (quality > 3) & (quality < 7), "good, ≥ 7": quality >= 7}
    return plots.groups(
        {name: (sulphur[rows], (quality + spread)[rows]) for name, rows in groups.items()},
        xlabel="total sulphur dioxide (mg/l)",
        ylabel="quality",
    )


@entry("Stevens A:2517")
def column_kinds() -> Figure:
    """What kind a column is decides how it is encoded."""
    return plots.graph(
        [
            ("column", "order?"),
            ("order?", "distance?", "yes"),
            ("order?", "nominal", "no"),
            ("distance?", "continuous", "yes"),
            ("distance?", "ordinal", "no"),
            ("continuous", "number"),
            ("ordinal", "number", "distance\ninvented"),
            ("ordinal", "cumulative"),
            ("ordinal", "one-hot", "order lost"),
            ("nominal", "one-hot", "few"),
            ("nominal", "embedding", "many"),
        ],
        kinds={"order?": "question", "distance?": "question"}
        | dict.fromkeys(("number", "cumulative", "one-hot", "embedding"), "result"),
        texts={
            "order?": "have its values an order?",
            "distance?": "are their distances known?",
            "number": "scaled number",
        },
    )


@entry("Stevens A:2688", needs="bike-sharing/hour-fixed.csv")
def bike_days() -> Figure:
    """Two years of bike rentals, folded: a column is a day, a row an hour. Two rush hours, two seasons, and growth."""
    rentals = bikes()["cnt"].to_numpy().reshape(-1, 24).T
    return plots.heat(rentals, xlabel="day since 1 January 2011", ylabel="hour of the day", name="rentals")


@entry("Stevens A:3071", needs="text/pride-and-prejudice.txt")
def text_encodings() -> Figure:
    """Three ways to write a text in numbers: letters, words, and points of an embedding.

    A row is a letter or a word of the sentence, and dark where its number is. The embedding has one row of (here random)
    numbers for each of the words of the book.
    """
    book = words(data_path("text/pride-and-prejudice.txt").read_text("utf-8").lower(), r"[a-z]+")
    said = words(_SENTENCE.lower(), r"[a-z]+")
    letters = np.eye(128)[[ord(letter) for letter in "impossible"]]
    numbers = encode_words(said, word_index(book)).numpy()
    hot = np.eye(len(set(book)) // 100 + 1)[numbers // 100]
    table = np.random.default_rng(0).normal(size=(len(set(book)), 8))
    return plots.panels(
        {
            "letters: 128 codes": lambda ax: plots.heat(letters, rows="impossible", xlabel="code", ax=ax),
            f"words: {len(set(book)):,} numbers": lambda ax: plots.heat(
                hot, rows=said, xlabel="hundreds of words", ax=ax
            ),
            "words: a row of 8 numbers": lambda ax: plots.heat(table[numbers], rows=said, write=False, ax=ax),
        },
        columns=3,
    )


@entry("Stevens A:3098")
def embedding() -> Figure:
    """An embedding made by hand: kinds of things across, colours up. Like things stand near each other.

    The axes are the book's; where in its field a word stands is made up.
    """
    kinds = [kind for kind, _, _ in _PLACED.values()]
    x = [_NOUNS[kind][0] + share * 0.33 for kind, _, share in _PLACED.values()]
    y = [_COLOURS[colour] for _, colour, _ in _PLACED.values()]
    return plots.words(list(_PLACED), x, y, groups=kinds, xlabel="fruit … flower … dog", ylabel="red … yellow … brown")
