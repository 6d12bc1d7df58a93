"""batch_norm: every channel to mean 0 and variance 1 over the batch, then scaled and shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveFloat

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode
from parity.entries import Shape, read_in
from parity.initializers import AnyInitializer
from parity.initializers.ones import Ones
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.native import Native, Turned, same
from parity.ops import Op, ShapeError
from parity.ops.batch_norm_classes import KERAS, MOVING, MOVING_UNBIASED, SETTLED, SETTLED_TORCH, TORCH
from parity.ops.scaling import WITHOUT, vector
from parity.ops.windows import DataFormat, channels_of, from_channels_last, laid_first, laid_last, to_channels_last

if TYPE_CHECKING:
    from parity.code import Arrays, Layout


def _complement(share: float) -> float:
    """Return the share of the new value, of that of the old one, without the rounding error of the subtraction."""
    return round(1.0 - share, 15)


class BatchNorm(Op):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, for each channel, which ``axis`` counts.

    Training: mean and biased variance (over n, the values of the channel in the batch) are those of the batch, and the
    running ones follow: r = momentum r + (1 - momentum) batch. Evaluation: mean and variance are the running ones.
    ``momentum`` is the share of the old value, as in Keras; PyTorch's is that of the new one. Into its running variance
    PyTorch takes the unbiased variance (over n - 1), Keras the biased one: with 16 rows that of a dense layer is 7 %
    larger. Epsilon is 1e-3 in Keras, 1e-5 in PyTorch.

    With ``trainable: false`` Keras goes by the running statistics in training, too, and leaves them; in PyTorch
    ``requires_grad_(False)`` does neither, which ``norm.eval()`` does.

    ``axis`` is -1, the last, if not said, in Keras too: behind convolutions that are channels first, that normalizes
    the columns of the image, without a word. PyTorch's modules know the axis behind the batch only, 1.
    """

    kind: ClassVar[str] = "batch_norm"
    wide: ClassVar[bool] = True
    statistics: ClassVar = ("moving_mean", "moving_variance")
    native: ClassVar = {
        "tensorflow": {"freeze_statistics": False},
        "torch": {"momentum": 0.9, "epsilon": 1e-5, "unbiased_variance": True, "freeze_statistics": False},
    }
    source: ClassVar = read_in(
        keras="layers/normalization/batch_normalization", tensorflow="ops/nn_impl", torch="nn/modules/batchnorm"
    )

    natives: ClassVar = {
        "keras": Native("keras.layers.BatchNormalization", same("axis", "momentum", "epsilon", "center", "scale")
                        | same("gamma_initializer", "beta_initializer"), when={"unbiased_variance": False},
                        own={"axis": -1, "momentum": 0.99, "epsilon": 1e-3, "center": True, "scale": True}),
        "torch": Native("nn.BatchNorm", {"num_features": "", "eps": "epsilon",
                                         "momentum": Turned("momentum", _complement, _complement), "affine": ""},
                        leading=("num_features",), when={"unbiased_variance": True},
                        weights={"gamma": ("weight", None), "beta": ("bias", None),
                                 "moving_mean": ("running_mean", None), "moving_variance": ("running_var", None)}),
    }  # fmt: skip
    started: ClassVar = ("gamma", "beta")
    rescales: ClassVar[bool] = True

    axis: Literal[-1, 1] = Field(default=-1, description="where the channels are: the last axis, or the first one (1)")
    momentum: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.99, description="share of the old value that a running statistic keeps"
    )
    epsilon: PositiveFloat = Field(default=1e-3, description="added to the variance")
    center: bool = Field(default=True, description="add beta")
    scale: bool = Field(default=True, description="multiply by gamma")
    beta_initializer: AnyInitializer = Field(default=Zeros(), description="how beta starts")
    gamma_initializer: AnyInitializer = Field(default=Ones(), description="how gamma starts")
    unbiased_variance: bool = Field(default=False, description="the running variance is over n - 1, not over n")
    freeze_statistics: bool | None = Field(
        default=None,
        description="in training, too, go by the running statistics and leave them; if not said, where trainable is "
        "false, as in Keras",
    )

    @property
    def _format(self) -> DataFormat:
        return "channels_first" if self.axis == 1 else "channels_last"

    def mask_fault(self, masked: Any, shape: Any) -> str:
        # Keras leaves masked steps out of the statistics, in training.
        return "batch_norm of masked steps is not there yet: normalize ahead of the mask, or take layer_norm"

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) > 4:
            raise ShapeError(f"batch_norm reads up to three axes and channels, as PyTorch does, it is given {shape}")
        return shape

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return gamma and beta where there are any, moving_mean and moving_variance, all (channels,)."""
        size = (channels_of(shape, self._format),)
        found = {"gamma": vector(size, self.gamma_initializer)} if self.scale else {}
        found |= {"beta": vector(size, self.beta_initializer)} if self.center else {}
        return found | {"moving_mean": vector(size, Zeros(), False), "moving_variance": vector(size, Ones(), False)}

    @property
    def _settled(self) -> bool:
        return not self.trainable if self.freeze_statistics is None else self.freeze_statistics

    def _normalized(self, x: np.ndarray, mean: np.ndarray, variance: np.ndarray, p: Arrays) -> np.ndarray:
        return (x - mean) / np.sqrt(variance + self.epsilon) * p.get("gamma", 1.0) + p.get("beta", 0.0)

    def _moments(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        axes = tuple(range(x.ndim - 1))
        return x.mean(axis=axes), x.var(axis=axes)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        x = to_channels_last(x, self._format)
        return from_channels_last(self._normalized(x, p["moving_mean"], p["moving_variance"], p), self._format)

    def trained(
        self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        if self._settled:
            return self.forward(x, p), {name: p[name] for name in self.statistics}
        x = to_channels_last(x, self._format)
        mean, variance = self._moments(x)
        n = x[..., 0].size
        seen = {"moving_mean": mean, "moving_variance": variance * n / (n - 1) if self.unbiased_variance else variance}
        moved = {name: self.momentum * p[name] + (1 - self.momentum) * value for name, value in seen.items()}
        return from_channels_last(self._normalized(x, mean, variance, p), self._format), moved

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when what starts a parameter is said of one that is not there, and when first and last axis are one."""
        if field == "axis" and len(shape) == 1:
            return "there is one axis only"
        if field == "freeze_statistics" and self._settled == self.replace(freeze_statistics=other)._settled:
            return "the running statistics move" if not self._settled else "the running statistics stay"
        if field in ("momentum", "unbiased_variance") and self._settled:
            return "the running statistics stay as they start"
        if (field == "beta_initializer" and not self.center) or (field == "gamma_initializer" and not self.scale):
            return f"there is no {field.partition('_')[0]}"
        return ""

    def keras(self, site: Site) -> KerasCode:
        lies = self._lies(site)
        helper = self._keras_helper()
        layer = self.keras_layer(
            site,
            helper.name if helper else "",
            axis="1" if lies == "as_said" and self.axis == 1 and len(site.input_shape) > 1 else None,
        )
        if helper in (MOVING, MOVING_UNBIASED):
            layer = layer.replace("trainable=False, ", "")
        return KerasCode(layer=layer, helpers=(helper,) if helper else (), reads=lies, writes=lies)

    def _keras_helper(self) -> Helper | None:
        """Return the class that means it where Keras's own does not."""
        if self._settled:
            return SETTLED if self.trainable else None
        if not self.trainable:
            return MOVING_UNBIASED if self.unbiased_variance else MOVING
        return KERAS if self.unbiased_variance else None

    def _lies(self, site: Site) -> Layout:
        """Return how Keras takes the tensor: as it lies, its channels at one end, else as the spec says."""
        return "to_last" if self.axis == 1 and site.layout == "to_last" else "as_said"

    def tensorflow(self, site: Site) -> TensorFlowCode:
        name, axes = site.name, list(range(len(site.input_shape)))
        offset = f"self.{name}_beta" if self.center else "None"
        scale = f"self.{name}_gamma" if self.scale else "None"
        if self._settled:
            moments = f"self.{name}_moving_mean, self.{name}_moving_variance"
            return TensorFlowCode(
                body=(f"return tf.nn.batch_normalization(x, {moments}, {offset}, {scale}, {self.epsilon!r})",),
                doc="Every channel by its running statistics, which stay as they are.",
                reads=laid_last(self._format), writes=laid_last(self._format),
            )  # fmt: skip
        seen, follow = "variance", []
        if self.unbiased_variance:
            seen = "variance * n / (n - 1.0)"
            channels = channels_of(site.input_shape, self._format)
            follow = [f"n = tf.cast(tf.size(x) / {channels}, x.dtype)  # the running variance is over n - 1"]
        taken = _complement(self.momentum)
        follow += [
            f"self.{name}_{moving}.assign({self.momentum!r} * self.{name}_{moving} + {taken!r} * {value})"
            for moving, value in (("moving_mean", "mean"), ("moving_variance", seen))
        ]
        return TensorFlowCode(
            body=(
                "if training:",
                f"    mean, variance = tf.nn.moments(x, axes={axes})",
                *(f"    {line}" for line in follow),
                "else:",
                f"    mean, variance = self.{name}_moving_mean, self.{name}_moving_variance",
                f"return tf.nn.batch_normalization(x, mean, variance, {offset}, {scale}, {self.epsilon!r})",
            ),
            doc="Every channel to mean 0 and variance 1 over the batch; over all batches in evaluation.",
            training=True,
            reads=laid_last(self._format),
            writes=laid_last(self._format),
        )

    def torch(self, site: Site) -> TorchCode:
        rank, own = max(len(site.input_shape) - 1, 1), self.natives["torch"]
        begin = "        axes = (0, 2) if x.dim() == 3 else (0,)\n" if rank == 1 else ""
        axes = "axes" if begin else (0, *range(2, rank + 2))
        biased = Helper(name=f"BiasedBatchNorm{rank}d", source=TORCH.format(rank=rank, begin=begin, axes=axes))
        if self._settled:
            biased = Helper(name=f"SettledBatchNorm{rank}d", source=SETTLED_TORCH.format(rank=rank))
        plain = own.fits(self) and not self._settled
        module = own.source(
            self,
            name_=f"{own.name}{rank}d" if plain else biased.name,
            num_features=str(channels_of(site.input_shape, self._format)),
            affine=None if self.scale or self.center else "False",
        )
        helpers = [] if plain else [biased]
        if self.scale != self.center:
            module = f'without({module}, "{"bias" if self.scale else "weight"}")'
            helpers.append(WITHOUT)
        return TorchCode(
            modules={site.name: module},
            forward=f"self.{site.name}(x)",
            reads=laid_first(self._format),
            writes=laid_first(self._format),
            weights=own.kept_at(site.name, self.parameters(site.input_shape)),
            output=site.name,
            helpers=tuple(helpers),
        )

    def vjp(
        self, x: np.ndarray, p: Arrays, dy: np.ndarray, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        if self._settled:
            return self.vjp_evaluated(x, p, dy)
        # By hand: what a bias in front of it gets is 0 but for rounding, and by way of mean and variance that is many
        # times as much as in the frameworks, which have this formula, too.
        x, dy = (to_channels_last(one, self._format) for one in (x, dy))
        axes, (mean, variance) = tuple(range(x.ndim - 1)), self._moments(x)
        deviation = np.sqrt(variance + self.epsilon)
        x_hat = (x - mean) / deviation
        gradients = {"gamma": (dy * x_hat).sum(axis=axes)} if self.scale else {}
        gradients |= {"beta": dy.sum(axis=axes)} if self.center else {}
        dx_hat = dy * p.get("gamma", 1.0)
        dx = dx_hat - dx_hat.mean(axis=axes) - x_hat * (dx_hat * x_hat).mean(axis=axes)
        return from_channels_last(dx / deviation, self._format), gradients

    @classmethod
    def cases(cls) -> list[Case]:
        start = {"moving_mean": [2.0], "moving_variance": [1.0]}
        own = {"gamma": [10.0], "beta": [1.0]}
        plain = {"momentum": 0.75, "epsilon": 1.0}
        return [
            Case(shows="mean 4 and variance 9, over n and not n - 1; the running ones keep three quarters of 2 and 1",
                 fields={"momentum": 0.75, "epsilon": 7.0}, x=[[1.0], [7.0]], parameters=start | own,
                 expected=[[-6.5], [8.5]], statistics={"moving_mean": [2.5], "moving_variance": [3.0]}),
            Case(shows="an unbiased running variance takes 18, not 9; the batch is normalized with 9 all the same",
                 fields={"momentum": 0.75, "epsilon": 7.0, "unbiased_variance": True}, x=[[1.0], [7.0]],
                 parameters=start | own, expected=[[-6.5], [8.5]],
                 statistics={"moving_mean": [2.5], "moving_variance": [5.25]}),
            Case(shows="evaluation goes by the running statistics, not by the rows", fields={"epsilon": 3.0},
                 x=[[4.0], [0.0]], parameters=start | own, expected=[[11.0], [-9.0]]),
            Case(shows="all axes but the last are taken together, channels are apart",
                 fields=plain | {"center": False, "scale": False},
                 x=[[[0.0, 5.0], [0.0, 5.0]], [[2.0, 5.0], [2.0, 5.0]]],
                 parameters={"moving_mean": [0.0, 0.0], "moving_variance": [1.0, 1.0]},
                 expected=[[[-(0.5**0.5), 0.0]] * 2, [[0.5**0.5, 0.0]] * 2],
                 statistics={"moving_mean": [0.25, 1.25], "moving_variance": [1.0, 0.75]}),
            Case(shows="beta without gamma, on the rows and columns of an image", fields=plain | {"scale": False},
                 x=[[[[0.0], [0.0]], [[2.0], [2.0]]]], parameters=start | {"beta": [3.0]},
                 expected=[[[[3 - 0.5**0.5]] * 2, [[3 + 0.5**0.5]] * 2]],
                 statistics={"moving_mean": [1.75], "moving_variance": [1.0]}),
            Case(shows="gamma without beta", fields=plain | {"center": False, "unbiased_variance": True},
                 x=[[0.0], [2.0]], parameters=start | {"gamma": [2.0]}, expected=[[-(2**0.5)], [2**0.5]],
                 statistics={"moving_mean": [1.75], "moving_variance": [1.25]}),
            Case(shows="a batch of one row is beta; its variance of 0 is taken all the same", fields=plain,
                 x=[[6.0]], parameters=start | own, expected=[[1.0]],
                 statistics={"moving_mean": [3.0], "moving_variance": [0.75]}),
            Case(shows="with a momentum of 1 the running statistics stay as they start", x=[[1.0], [7.0]],
                 fields={"momentum": 1.0, "epsilon": 7.0}, parameters=start | own, expected=[[-6.5], [8.5]],
                 statistics={"moving_mean": [2.0], "moving_variance": [1.0]}),
            Case(shows="axis 1 takes rows and columns together, though the last axis is the columns",
                 fields=plain | {"axis": 1, "center": False, "scale": False},
                 x=[[[[0.0, 2.0]] * 3, [[5.0, 5.0]] * 3]],
                 parameters={"moving_mean": [0.0, 0.0], "moving_variance": [1.0, 1.0]},
                 expected=[[[[-(0.5**0.5), 0.5**0.5]] * 3, [[0.0, 0.0]] * 3]],
                 statistics={"moving_mean": [0.25, 1.25], "moving_variance": [1.0, 0.75]}),
            Case(shows="the running statistics in training, too, and left as they are",
                 fields={"epsilon": 3.0, "freeze_statistics": True}, x=[[4.0], [0.0]], parameters=start | own,
                 expected=[[11.0], [-9.0]], statistics={"moving_mean": [2.0], "moving_variance": [1.0]}),
            Case(shows="axis 1 of a row of features is its only axis",
                 fields={"momentum": 0.75, "epsilon": 7.0, "axis": 1, "unbiased_variance": True}, x=[[1.0], [7.0]],
                 parameters=start | own, expected=[[-6.5], [8.5]],
                 statistics={"moving_mean": [2.5], "moving_variance": [5.25]}),
        ]  # fmt: skip
