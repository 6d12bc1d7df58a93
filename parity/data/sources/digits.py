"""The handwritten digits that come with scikit-learn."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar

from parity.data.sources import Raw, Source
from parity.errors import DataError
from parity.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Digits(Source):
    """Real 8 x 8 images of digits, flattened, values 0..16, from scikit-learn's own copy of the set."""

    name: ClassVar[str] = "digits"
    summary: ClassVar[str] = "scikit-learn's handwritten digits: 1797 rows of 64, 10 classes"

    def read(self) -> Raw:
        """Return the digits: x float32 (1797, 64), y int64 (1797,).

        Raises:
            DataError: scikit-learn is not installed.
        """
        try:
            import sklearn.datasets  # noqa: F401
        except ImportError as error:
            raise DataError(
                f"data source digits: it comes with scikit-learn, which cannot be imported ({error}); "
                "install it with: pip install scikit-learn"
            ) from error
        x, y = _loaded()
        return Raw(
            x=x.astype(np.float32), y=y.astype(np.int64), description="digits, scikit-learn's handwritten digits"
        )


@cache
def _loaded() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return them as scikit-learn has them: a text, which takes a third of a second to read."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x, y
