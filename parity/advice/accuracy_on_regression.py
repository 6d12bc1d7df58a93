"""accuracy_on_regression: a metric for classes where targets are quantities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation
from parity.catalog import METRICS
from parity.lazy import np
from parity.losses.crossentropies import CrossEntropy


class AccuracyOnRegression(Rule):
    """An accuracy counts exact hits; of real numbers there are none, or only those at the ends of a scale.

    Classes may be learned with a squared error, too: what decides is the targets. One-hot rows, values that are 0 or 1,
    and rows that sum to 1 are classes; so is whatever a cross-entropy is given. Beside a metric that does say how near
    they are it misleads nobody, and is not spoken of.
    """

    kind: ClassVar[str] = "accuracy_on_regression"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the only metrics are accuracies and the targets are no classes."""
        config = at.side.config
        names = [metric.kind for metric in config.metrics]
        wrong = [name for name in names if "accuracy" in name]
        if not wrong or at.data is None or isinstance(config.loss, CrossEntropy) or classes(at.data.y):
            return
        if len(wrong) < len(names):
            return
        change = [name for name in ("mae", "mse") if name in METRICS][:1]
        exact = float(np.isin(at.data.y, (0.0, 1.0)).mean())
        plateau = f" ({exact:.1%} are exactly 0 or 1; at about that share it stands still)" if exact else ""
        yield Advice(
            rule=self.kind,
            path="metrics",
            what=f"metrics has {wrong[0]}, and the targets are quantities from {at.data.y.min():.4g} to "
            f"{at.data.y.max():.4g}",
            why=f"an accuracy counts targets that are hit exactly{plateau}; it says nothing of how near the others "
            "are, and training does not read it",
            fix=f"set metrics: [{', '.join(change)}]",
            changes={"metrics": change},
        )


def classes(targets: np.ndarray) -> bool:
    """Return whether targets, (rows, ...), are classes: 0 or 1, or rows of probabilities."""
    if bool(np.isin(targets, (0.0, 1.0)).all()):
        return True
    shares = targets.ndim > 1 and targets.shape[-1] > 1 and bool((targets >= 0.0).all())
    return shares and bool(np.allclose(targets.sum(axis=-1), 1.0))
