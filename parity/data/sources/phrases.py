"""Phrases of a small language, as numbers of words: for models that read tokens."""

from __future__ import annotations

from typing import ClassVar

from parity.data.sources import Raw, Source
from parity.lazy import np

ROWS, LENGTH = 2000, 12

WORDS = (
    "", "the", "a", "film", "play", "song", "book", "is", "was", "not", "never", "very", "rather", "good", "fine",
    "great", "lovely", "bad", "poor", "dull", "awful", "and", "but", ".",
)  # fmt: skip
"""The words by number; 0 is what fills a row up."""

NOUNS, VERBS, DENIALS, DEGREES = (3, 4, 5, 6), (7, 8), (9, 10), (11, 12)
GOOD, BAD = (13, 14, 15, 16), (17, 18, 19, 20)
AND, BUT, STOP = 21, 22, 23


class Phrases(Source):
    """Sentences such as "the play was not very good but fine .", and whether they praise: (2000, 12), 0 fills up.

    SENTENCE = ARTICLE noun verb OPINION [and OPINION of the same side | but OPINION of the other side] "."
    OPINION = [denial] [degree] adjective

    A denial turns the adjective's side over, so that no word alone tells; with "but" the last opinion counts. Drawn
    with NumPy's PCG64 and seed 0, the same everywhere.
    """

    name: ClassVar[str] = "phrases"
    summary: ClassVar[str] = "invented sentences, 2000 rows of 12 tokens of 24, filled up with 0: do they praise?"

    def read(self) -> Raw:
        """Return the sentences: x int64 (2000, 12), y int64 (2000,), 1 where they praise."""
        generator = np.random.default_rng(0)
        x, y = np.zeros((ROWS, LENGTH), np.int64), np.zeros(ROWS, np.int64)
        for row in range(ROWS):
            words, y[row] = _sentence(generator)
            x[row, : len(words)] = words
        return Raw(x=x, y=y, description="phrases, invented sentences of a stated grammar")


def _sentence(generator: np.random.Generator) -> tuple[list[int], int]:
    """Return the words of a sentence, and 1 where it praises."""
    praises = int(generator.integers(2))
    words = [int(generator.integers(1, 3)), int(generator.choice(NOUNS)), int(generator.choice(VERBS))]
    joint = int(generator.integers(3))
    first = 1 - praises if joint == 2 else praises
    words += _opinion(generator, first)
    if joint:
        words += [AND if joint == 1 else BUT, *_opinion(generator, praises)]
    return [*words, STOP], praises


def _opinion(generator: np.random.Generator, praises: int) -> list[int]:
    denied, degree = generator.integers(2, size=2)
    words = [int(generator.choice(DENIALS))] * int(denied) + [int(generator.choice(DEGREES))] * int(degree)
    return [*words, int(generator.choice(GOOD if praises != denied else BAD))]
