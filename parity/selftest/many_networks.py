"""Small networks that each hold many entries, so that every entry stands in one."""

from __future__ import annotations

from typing import Any

from parity.selftest.network import SOFTMAX, Network


def layer(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    """Return a layer as a spec has it."""
    return {kind: {**fields, "name": name}}


def branches(activations: dict[str, Any]) -> tuple[Any, ...]:
    """Return layers that apply each activation to the same values, and put what they give side by side."""
    return (
        layer("dense", "hidden", units=6, kernel_initializer={"random_normal": {"stddev": 1.0}}),
        *(layer("activation", name, function=said, inputs="hidden") for name, said in activations.items()),
        layer("concatenate", "all", inputs=list(activations)),
    )


SMOOTH: dict[str, Any] = {
    "elu": {"elu": {"alpha": 0.7}}, "celu": {"celu": {"alpha": 0.7}}, "selu": "selu", "mish": "mish", "silu": "silu",
    "softplus": {"softplus": {"beta": 2.0}}, "squareplus": "squareplus", "softsign": "softsign",
    "tanh_shrink": "tanh_shrink",
}  # fmt: skip
CORNERED: dict[str, Any] = {
    "hard_sigmoid": "hard_sigmoid", "hard_silu": "hard_silu", "hard_tanh": "hard_tanh", "hard_shrink": "hard_shrink",
    "soft_shrink": "soft_shrink", "relu6": "relu6", "sparse_plus": "sparse_plus", "sparse_sigmoid": "sparse_sigmoid",
}  # fmt: skip
ROWWISE: dict[str, Any] = {
    "exponential": "exponential", "log_sigmoid": "log_sigmoid", "log_softmax": "log_softmax", "softmin": "softmin",
}  # fmt: skip

MANY: dict[str, Network] = {
    "smooth": Network(
        input=(5,),
        layers=(*branches(SMOOTH), layer("dense", "out", units=2)),
        loss="log_cosh",
        outputs=2,
        targets="real",
    ),
    "cornered": Network(
        input=(5,),
        layers=(*branches(CORNERED), layer("dense", "out", units=2)),
        loss="hinge",
        outputs=2,
        targets="signs",
    ),
    "rowwise": Network(
        input=(5,),
        layers=(*branches(ROWWISE), layer("dense", "out", units=2, activation="softplus")),
        loss="poisson",
        outputs=2,
        targets="counts",
    ),
    "signals": Network(
        input=(11, 4),
        layers=(
            layer("zero_padding1d", "padded", padding=[1, 2]),
            layer("depthwise_conv1d", "depthwise", kernel_size=3, strides=2, padding="same", depth_multiplier=2),
            layer("layer_norm", "norm"),
            layer("prelu", "bend", alpha_initializer={"constant": {"value": 0.3}}),
            layer("spatial_dropout1d", "dropped", rate=0.3),
            layer("average_pooling1d", "mean", pool_size=3, strides=2, padding="same"),
            layer("separable_conv1d", "separable", filters=6, kernel_size=3, padding="same", activation="silu"),
            layer("global_average_pooling1d", "average"),
            layer("global_max_pooling1d", "most", inputs="separable"),
            layer("concatenate", "both", inputs=["average", "most"]),
            SOFTMAX,
        ),
        loss={"categorical_crossentropy": {"label_smoothing": 0.1}},
        outputs=5,
    ),
    "sequences": Network(
        input=(6,),
        tokens=9,
        layers=(
            layer("embedding", "embed", input_dim=9, output_dim=5),
            layer("lstm", "long", units=4, return_sequences=True),
            layer("gru", "gated", units=4, return_sequences=True, inputs="embed"),
            layer("concatenate", "both", inputs=["long", "gated"]),
            layer("bidirectional", "ways", layer={"simple_rnn": {"units": 3, "return_sequences": True}}),
            layer("time_distributed", "each", layer={"dense": {"units": 4, "activation": "tanh"}}),
            layer("lstm", "last", units=4, go_backwards=True),
            SOFTMAX,
        ),
        loss={"categorical_crossentropy": {}},
        outputs=5,
    ),
    "padded": Network(
        input=(6,),
        tokens=9,
        layers=(
            layer("embedding", "words", input_dim=9, output_dim=4, mask_zero=True),
            layer("lstm", "read", units=4, return_sequences=True),
            layer("bidirectional", "ways", layer={"gru": {"units": 3, "return_sequences": True}}),
            layer("masking", "left_out"),  # Both ways, a masked step is 0.
            layer("dense", "each", units=5, activation="tanh"),
            layer("global_average_pooling1d", "mean"),
            SOFTMAX,
        ),
        loss={"categorical_crossentropy": {}},
        outputs=5,
    ),
    "encoder": Network(
        input=(5, 6),
        layers=(
            {"block": {"name": "block", "repeat": 2, "layers": [
                layer("multi_head_attention", "attention", num_heads=2, key_dim=3, causal=True),
                layer("dropout", "dropped", rate=0.2),
                layer("add", "join", inputs=["dropped", "input"]),
                layer("layer_norm", "norm"),
                layer("dense", "widen", units=9, activation="gelu"),
                layer("dense", "narrow", units=6),
                layer("add", "join_again", inputs=["narrow", "norm"]),
            ]}},
            layer("global_average_pooling1d", "mean"),
            SOFTMAX,
        ),
        loss={"categorical_crossentropy": {}},
        outputs=5,
    ),
    "images": Network(
        input=(7, 8, 2),
        layers=(
            layer("zero_padding2d", "padded", padding=[[1, 0], [0, 1]]),
            layer("depthwise_conv2d", "depthwise", kernel_size=3, strides=2, padding="same", depth_multiplier=2),
            layer("group_norm", "norm", groups=2),
            layer("prelu", "bend", shared_axes=[1, 2], alpha_initializer={"constant": {"value": 0.3}}),
            layer("spatial_dropout2d", "dropped", rate=0.3),
            layer("average_pooling2d", "mean", pool_size=2, strides=1, padding="same"),
            layer("separable_conv2d", "separable", filters=6, kernel_size=3, padding="same", use_bias=False),
            layer("instance_norm", "alike"),
            layer("global_average_pooling2d", "average"),
            layer("global_max_pooling2d", "most", inputs="alike"),
            layer("concatenate", "both", inputs=["average", "most"]),
            SOFTMAX,
        ),
        loss={"categorical_focal_crossentropy": {}},
        outputs=5,
    ),
    "decoder": Network(
        input=(9,),
        layers=(
            layer("dense", "hidden", units=12, activation="tanh"),
            layer("reshape", "sequence", target_shape=[4, 3]),
            layer("up_sampling1d", "longer"),
            layer("conv1d_transpose", "moved", filters=4, kernel_size=3, strides=2, padding="same"),
            layer("cropping1d", "cut", cropping=[3, 1]),
            layer("reshape", "image", target_shape=[4, 3, 4]),
            layer("up_sampling2d", "larger", size=[1, 2], interpolation="bilinear"),
            layer("conv2d_transpose", "drawn", filters=3, kernel_size=3, strides=2, padding="same", activation="mish"),
            layer("cropping2d", "inner", cropping=[[2, 1], [3, 4]]),
            layer("flatten", "flatten"),
            layer("dense", "out", units=2),
        ),
        loss="mape",
        outputs=2,
        targets="real",
    ),
    "volume": Network(
        input=(4, 5, 4, 2),
        layers=(
            layer("conv3d", "conv", filters=3, kernel_size=2, strides=[1, 2, 1], padding="same", activation="elu"),
            layer("flatten", "flatten"),
            layer("dense", "out", units=2),
        ),
        loss="smooth_l1",
        outputs=2,
        targets="real",
    ),
    "space": Network(
        input=(4, 4, 4, 2),
        layers=(
            layer("zero_padding3d", "padded", padding=[[1, 0], [0, 1], [1, 1]]),
            layer("conv3d_transpose", "grown", filters=3, kernel_size=2, strides=[1, 2, 1], padding="same"),
            layer("max_pooling3d", "most"),
            layer("up_sampling3d", "larger", size=[2, 1, 1]),
            layer("spatial_dropout3d", "dropped", rate=0.3),
            layer("average_pooling3d", "mean", pool_size=2, strides=1),
            layer("cropping3d", "cut", cropping=[[1, 0], [0, 1], [0, 0]]),
            layer("global_average_pooling3d", "average"),
            layer("global_max_pooling3d", "largest", inputs="cut"),
            layer("concatenate", "both", inputs=["average", "largest"]),
            SOFTMAX,
        ),
        loss={"categorical_crossentropy": {}},
        outputs=5,
    ),
    "noisy": Network(
        input=(6, 4),
        layers=(
            layer("position_embedding", "places"),
            layer("segment_embedding", "kind", segments=2, segment=1),
            layer("class_token", "first"),
            layer("sinusoidal_positions", "waves"),
            layer("gaussian_noise", "shaken", stddev=0.2),
            layer("adaptive_average_pooling1d", "fewer", output_size=4),
            layer("dense", "hidden", units=6, activation="selu"),
            layer("alpha_dropout", "held", rate=0.2),
            layer("reshape", "image", target_shape=[4, 3, 2]),
            layer("adaptive_average_pooling2d", "small", output_size=[3, 2]),
            layer("gaussian_dropout", "stretched", rate=0.3),
            layer("flatten", "flatten"),
            SOFTMAX,
        ),
        loss={"categorical_crossentropy": {}},
        outputs=5,
    ),
    "tokens": Network(
        input=(6,),
        tokens=10,
        layers=(
            layer("embedding", "table", input_dim=10, output_dim=4),
            layer("rms_norm", "norm"),
            layer("permute", "turned", dims=[2, 1]),
            layer("slice", "most", stop=5, axis=2),
            layer("conv1d", "conv", filters=5, kernel_size=3, activation="tanh"),
            layer("flatten", "flatten"),
            layer("unit_normalization", "unit"),
            layer("repeat_vector", "twice", n=2),
            layer("take", "last", index=-1),
            layer("rescaling", "scaled", scale=3.0, offset=-0.1),
            layer("normalization", "measured", mean=0.25, variance=2.0),
            layer("flatten", "flatten_2"),
            layer("dense", "out", units=3, activation="sigmoid"),
        ),
        loss="binary_focal_crossentropy",
        outputs=3,
    ),
    "tied": Network(
        input=(6,),
        tokens=9,
        layers=(
            layer("embedding", "table", input_dim=9, output_dim=4),
            layer("dense", "hidden", units=4, activation="tanh"),
            layer("global_average_pooling1d", "mean"),
            layer("dense", "head", units=9, kernel_of="table"),
        ),
        loss={"categorical_crossentropy": {"from_logits": True}},
        outputs=9,
    ),
    "bounded": Network(
        input=(6,),
        layers=(
            layer("dense", "first", units=7, activation="tanh", kernel_regularizer={"l1": 0.01},
                  kernel_constraint="unit_norm"),
            layer("dense", "second", units=6, activation="softsign", kernel_constraint="non_neg",
                  activity_regularizer={"l2": 0.05},
                  kernel_regularizer={"l1_l2": {"l1": 0.01, "l2": 0.02}}),
            layer("dense", "third", units=6, activation="elu",
                  kernel_constraint={"min_max_norm": {"min_value": 0.8, "max_value": 0.9, "rate": 0.7}}),
            layer("dense", "out", units=2),
        ),
        loss={"huber": {"delta": 0.8}},
        outputs=2,
        targets="real",
    ),
    "divergence": Network(
        input=(6,),
        layers=(layer("dense", "hidden", units=8, activation="celu"), layer("batch_norm", "norm"), SOFTMAX),
        loss="kl_divergence",
        outputs=5,
    ),
    "margins": Network(
        input=(6,),
        layers=(
            layer("dense", "hidden", units=8, activation="hard_tanh"),
            layer("group_norm", "norm", groups=4, epsilon=1e-5),
            layer("dense", "out", units=2, activation="tanh"),
        ),
        loss="squared_hinge",
        outputs=2,
        targets="signs",
    ),
    "directions": Network(
        input=(6,),
        layers=(
            layer("dense", "hidden", units=8, activation="selu"),
            layer("layer_norm", "norm", epsilon=1e-5),
            layer("dense", "out", units=3),
        ),
        loss="cosine_similarity",
        outputs=3,
        targets="real",
    ),
    "growth": Network(
        input=(6,),
        layers=(
            layer("dense", "hidden", units=8, activation="squareplus"),
            layer("dropout", "dropout", rate=0.25),
            layer("dense", "out", units=2, activation="softplus"),
        ),
        loss="msle",
        outputs=2,
        targets="counts",
    ),
    "heads": Network(
        input=(6,),
        layers=(
            layer("dense", "trunk", units=8, activation="tanh"),
            layer("dropout", "dropout", rate=0.25),
            layer("dense", "label", units=4, activation="softmax"),
            layer("dense", "value", units=4, inputs="dropout"),
        ),
        loss={"label": "categorical_crossentropy", "value": {"mse": {"weight": 0.25}}},
        outputs=4,
        ends={"label": "label", "value": "value"},
    ),
}  # fmt: skip
"""By name."""
