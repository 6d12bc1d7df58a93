"""The handwritten digits that come with scikit-learn."""

from __future__ import annotations

from typing import ClassVar

from parity.data.sources import Raw, Source
from parity.errors import DataError
from parity.lazy import np


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
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise DataError(
                f"data source digits: it comes with scikit-learn, which cannot be imported ({error}); "
                "install it with: pip install scikit-learn"
            ) from error
        x, y = load_digits(return_X_y=True)
        return Raw(
            x=x.astype(np.float32), y=y.astype(np.int64), description="digits, scikit-learn's handwritten digits"
        )
