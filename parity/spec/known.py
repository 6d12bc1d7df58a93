"""Names that the field knows: what to say to somebody who wrote one that a spec does not.

A name that is misspelt gets the right one. A name of Keras or PyTorch that means the same as an entry gets the entry. A
name of theirs that no entry has is said not to be there yet: the nearest one in spelling is other mathematics, as
``adam`` is for ``adamax`` and ``relu`` for ``elu``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cache

from parity.catalog import FAMILIES
from parity.errors import did_you_mean
from parity.frameworks import frameworks

NOT_YET: dict[str, str] = {
    "op": """
        activity_regularization adaptive_average_pooling3d additive_attention attention batch_norm3d bilinear
        category_encoding center_crop conv_lstm1d conv_lstm2d conv_lstm3d dot einsum_dense embedding_bag
        feature_alpha_dropout fold fractional_max_pool2d group_query_attention gru_cell identity instance_norm3d
        lambda local_response_norm lp_pool1d lp_pool2d lstm_cell max_unpool2d
        pixel_shuffle random_flip random_rotation resizing rnn_cell simple_rnn_cell spectral_normalization
        stacked_rnn_cells sync_batch_norm transformer transformer_decoder_layer transformer_encoder_layer unfold
    """,
    "activation": "glu prelu rrelu sparsemax threshold",
    "initializer": "dirac sparse stft",
    "loss": """
        categorical_generalized_cross_entropy categorical_hinge circle cosine_embedding_loss ctc ctc_loss dice focal
        gaussian_nll_loss hinge_embedding_loss margin_ranking_loss multi_margin_loss multilabel_margin_loss
        multilabel_soft_margin_loss nll_loss soft_margin_loss triplet_margin_loss tversky
    """,
    "optimizer": """
        adafactor asgd lars lbfgs loss_scale_optimizer muon rprop shampoo sparse_adam
    """,
    "schedule": """
        constant_lr cosine_annealing cosine_annealing_lr cyclic_lr multiplicative_lr reduce_lr_on_plateau
    """,
    "regularizer": "orthogonal_regularizer",
    "constraint": "radial_constraint",
    "metric": """
        auc binary_crossentropy binary_iou categorical_crossentropy concordance_correlation cosine_similarity f1
        f1_score f_beta f_beta_score false_negatives false_positives iou kl_divergence log_cosh_error
        mean_absolute_percentage_error mean_io_u mean_iou pearson_correlation perplexity precision
        precision_at_recall r2 r2_score recall recall_at_precision rmse root_mean_squared_error
        sensitivity_at_specificity specificity_at_sensitivity top_k_categorical_accuracy true_negatives true_positives
    """,
}
"""By family, what Keras or PyTorch have and the catalogue does not; an entry that is added leaves its name here."""

FIELDS = """
    add_bias_kv affine align_corners amsgrad axes beta_constraint beta_regularizer capturable
    ceil_mode class_weight count_include_pad dampening depth_multiplier differentiable dtype
    elementwise_affine etas foreach fused gamma_constraint gamma_regularizer
    groups ignore_index inplace jit_compile kernel_dtype label_smoothing
    lambd loss_scale_factor lora_alpha lora_rank lr_decay maximize moving_mean_initializer moving_variance_initializer
    noise_shape output_padding padding_mode pos_weight renorm return_indices sample_weight step_sizes
    supports_masking synchronized threshold track_running_stats virtual_batch_size weight_decay
"""
"""Arguments of theirs that not every entry takes which has them there."""

SAME: dict[str, dict[str, str]] = {
    "op": {"fully_connected": "dense", "batch_norm1d": "batch_norm", "batch_norm2d": "batch_norm",
           "convolution1d": "conv1d", "convolution2d": "conv2d", "convolution3d": "conv3d",
           "convolution1d_transpose": "conv1d_transpose", "convolution2d_transpose": "conv2d_transpose",
           "separable_convolution1d": "separable_conv1d", "separable_convolution2d": "separable_conv2d",
           "global_avg_pool1d": "global_average_pooling1d", "global_avg_pool2d": "global_average_pooling2d",
           "global_max_pool1d": "global_max_pooling1d", "global_max_pool2d": "global_max_pooling2d",
           "group_normalization": "group_norm", "instance_norm1d": "instance_norm", "instance_norm2d": "instance_norm",
           "zero_pad1d": "zero_padding1d", "zero_pad2d": "zero_padding2d"},
    "activation": {"identity": "linear", "none": "linear", "lrelu": "leaky_relu", "swish": "silu"},
    "initializer": {"zero": "zeros", "one": "ones", "normal": "random_normal", "uniform": "random_uniform",
                    "trunc_normal": "truncated_normal", "identity_initializer": "identity",
                    "orthogonal_initializer": "orthogonal"},
    "constraint": {"non_negative": "non_neg"},
    "loss": {"kl_div": "kl_divergence", "kld": "kl_divergence", "crossentropy": "categorical_crossentropy",
             "cross_entropy_loss": "categorical_crossentropy", "softmax_crossentropy": "categorical_crossentropy",
             "bce_loss": "sigmoid_crossentropy"},
    "schedule": {"exponential_decay": "exponential", "exponential_lr": "exponential", "step_lr": "step",
                 "multi_step_lr": "multi_step", "linear_lr": "linear", "one_cycle_lr": "one_cycle",
                 "polynomial_lr": "polynomial", "warmup": "constant", "piecewise_constant": "piecewise",
                 "cosine_annealing_warm_restarts": "cosine_restarts"},
    "metric": {"acc": "accuracy", "mean_squared_error": "mse", "mean_absolute_error": "mae"},
    "framework": {other: name for name, one in frameworks().items() for other in one.other_names},
}  # fmt: skip
"""By family, other names of what an entry means, beside those of the parts that it is in a framework."""


def plain(name: str) -> str:
    """Return a name as it is whether somebody writes ``LayerNorm``, ``layer_norm`` or ``layer-norm``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def known(family: str = "") -> frozenset[str]:
    """Return the plain names that a family's catalogue does not have yet; those of all families if none is named."""
    families = [family] if family else list(NOT_YET)
    there = {plain(name) for one in families for name in FAMILIES.get(one, ())}
    return frozenset(plain(name) for one in families for name in NOT_YET.get(one, "").split()) - there


@cache
def own_names(family: str) -> dict[str, list[str]]:
    """Return what the frameworks call their own parts, as plain names, and the entries that are told to them.

    Args:
        family: of the entries; empty for all.
    """
    found: dict[str, list[str]] = {}
    for one in [family] if family else list(FAMILIES):
        for name, entry in FAMILIES.get(one, {}).items():
            for title in {plain(native.title) for native in getattr(entry, "natives", {}).values()}:
                found.setdefault(title, []).append(name)
    return found


def entry_hint(name: str, choices: Sequence[str], family: str = "") -> str:
    """Say what to write in the place of a name that no entry has; an empty string where nothing is near.

    Args:
        name: as it was written.
        choices: what would have been right.
        family: of the entry, as the catalogue calls it; empty where any may be meant.
    """
    wanted = plain(name)
    if wanted not in {plain(one) for one in choices}:
        for one, same in SAME.items():
            found = {plain(other): entry for other, entry in same.items()}.get(wanted)
            if found in choices and family in ("", one):
                return f"did you mean {found!r}?"
        meant = [one for one in own_names(family).get(wanted, ()) if one in choices]
        if meant:
            return f"did you mean {' or '.join(map(repr, meant))}?"
        if wanted in known(family):
            return f"{name} is not in the catalogue yet"
    return did_you_mean(name, choices)


def field_hint(name: str, fields: Sequence[str], owner: str, elsewhere: Collection[str] = ()) -> str:
    """Say what to write in the place of a field that is none; an empty string where nothing is near.

    Args:
        name: as it was written.
        fields: that there are.
        owner: what has no such field.
        elsewhere: paths of a spec that end in a field of that name.
    """
    if elsewhere:
        return f"it is {' or '.join(sorted(elsewhere))}"
    if plain(name) in {plain(one) for one in FIELDS.split()} and name not in fields:
        return f"{name} of {owner} is not in the catalogue yet"
    return did_you_mean(name, fields)
