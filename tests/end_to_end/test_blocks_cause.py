"""A change to one time of a block is named as the cause, and the patch is a path that a user may write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers_commands import command
from helpers_frameworks import missing

SPEC = """\
name: blocks
data: {source: leaf_like, standardize: true, reshape: [64, 3], rows: 99}
model:
  input: [64, 3]
  layers:
    - flatten
    - dense: {units: 24, name: stem}
    - block:
        name: res
        repeat: 3
        layers:
          - dense: {units: 24, activation: tanh, name: mix}
          - dropout: {rate: 0.05, name: drop}
          - batch_norm: {name: norm}
    - dense: {units: 99, name: logits}
loss: {categorical_crossentropy: {from_logits: true}}
optimizer: {adam: {learning_rate: 0.02}}
training: {batch_size: 16, epochs: 4}
metrics: [accuracy]
sides:
  good: {framework: torch}
  bad: {framework: torch, changes: {layers.res_2_drop.rate: 0.99, layers.res_3_drop.rate: 0.06}}
"""


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
@pytest.mark.skipif(bool(missing("torch")), reason="needs PyTorch")
def test_a_change_to_one_time_of_a_block_is_the_cause(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    done = command("run", "spec.yaml", "--causes-only", "--json", cwd=tmp_path)
    result = json.loads(done.stdout)
    explanation = result["explanation"]
    assert explanation["breakers"] == explanation["repairs"] == [["layers.res_2_drop.rate"]]
    assert explanation["claims"][0]["patch"] == "layers.res_2_drop.rate: 0.99"
    (found,) = (one for one in result["differences"] if one["path"] == "layers.res_2_drop.rate")
    assert {line["side"] for line in found["lines"]} == {"good", "bad"}
    assert all("rop" in line["text"] or "ResBlock(" in line["text"] for line in found["lines"])
