"""Compiled programs start a row of padding, and the output of an attention, as the spec says, run by themselves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers_alone import run_alone
from helpers_commands import command

SPEC = """
name: starts
data: {source: rows.npz}
model:
  inputs: {tokens: {shape: [3], dtype: integer}}
  layers:
  - embedding: {name: table, input_dim: 4, output_dim: 2, padding_idx: 1, embeddings_initializer: ones}
  - multi_head_attention:
      {name: look, num_heads: 1, key_dim: 2, kernel_initializer: ones, output_initializer: {constant: {value: 3.0}}}
  - flatten
  - dense: 2
loss: {sparse_categorical_crossentropy: {from_logits: true}}
optimizer: sgd
training: {batch_size: 4}
"""

SHOWN = {
    "keras": "m = program.build_model(); q, o = m.get_layer('look').query_dense, m.get_layer('look').output_dense; "
             "t = m.get_layer('table').embeddings; found = [x.numpy() for x in (t, q.kernel, o.kernel)]",
    "tensorflow": "m = program.Model(); found = [x.numpy() for x in "
                  "(m.table_embeddings, m.look_query_kernel, m.look_output_kernel)]",
    "torch": "m = program.Model(); found = [x.detach().numpy() for x in "
             "(m.table.weight, m.look.query.weight, m.look.output.weight)]",
}  # fmt: skip


@pytest.mark.parametrize(("framework", "drawn"), [*((one, False) for one in SHOWN), *((one, True) for one in SHOWN)])
def test_a_program_starts_what_its_spec_starts_apart(framework: str, drawn: bool, tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", X=np.arange(24).reshape(8, 3) % 4, y=np.arange(8) % 2)
    (tmp_path / "starts.yaml").write_text(
        SPEC.replace("idx: 1", "idx: 1, padding_starts_at_0: false") if drawn else SPEC
    )
    done = command("compile", "starts.yaml", "--side", framework, "-o", "program.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    show = (
        "import json, sys; sys.path.insert(0, '.'); import program; {}; print(json.dumps([x.tolist() for x in found]))"
    )
    (tmp_path / "show.py").write_text(show.format(SHOWN[framework]))
    shown = run_alone(framework, ["show.py"], tmp_path)
    assert shown.returncode == 0, shown.stderr
    table, query, output = (np.array(one) for one in json.loads(shown.stdout.splitlines()[-1]))
    assert table.tolist() == [[1.0, 1.0], [float(drawn)] * 2, [1.0, 1.0], [1.0, 1.0]]
    assert (query == 1.0).all()
    assert (output == 3.0).all()
