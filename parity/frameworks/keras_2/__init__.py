"""Keras 2 by its own name, up to 2.15, in an environment that has it: its optimizers before 2.11 are those of then."""

from __future__ import annotations

from dataclasses import replace

from parity.frameworks.tf_keras import FRAMEWORK as TF_KERAS

FRAMEWORK = replace(
    TF_KERAS,
    name="keras_2",
    title="Keras 2 (keras up to 2.15)",
    packages=("keras", "tensorflow", "numpy"),
    modules=("keras", "tensorflow"),
    releases={"keras": ("2", "3")},
    install="'keras<3' 'tensorflow<2.16'",
    extra="",
    falls_back="tf_keras",
    not_yet=TF_KERAS.not_yet - {"optimizers.nadam"},  # Before 2.11 it keeps all that it counts.
    files="keras/",
)
