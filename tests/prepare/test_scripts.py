"""Programs that run a script until it trains: what they are made of."""

from __future__ import annotations

import hashlib
from pathlib import Path

from parity.prepare.matching import files_of_program
from parity.spec.own_program import OwnProgram


def test_a_script_and_what_it_imports_from_beside_it_decide_a_run(tmp_path: Path) -> None:
    program, script, data = tmp_path / "reports" / "program.py", tmp_path / "train.py", tmp_path / "rows.py"
    program.parent.mkdir()
    program.write_text("run()")
    script.write_text("import rows")
    data.write_text("x = 1")
    plain = OwnProgram(file=str(program))
    assert list(files_of_program(plain)) == ["program.py"]
    watched = OwnProgram(file=str(program), script=str(script))
    found = files_of_program(watched)
    assert set(found) == {"program.py", str(script), str(data)}
    assert watched.shown == str(script)
    data.write_text("x = 2")
    assert files_of_program(watched)[str(data)] == hashlib.sha256(b"x = 2").hexdigest() != found[str(data)]
