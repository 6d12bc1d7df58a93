"""What README.md shows as printed is what its commands print here: all words of it, whatever the numbers come to."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_sample import WHOLE
from helpers_shown import assert_shown, printed, shown, worded


def test_numbers_are_what_is_not_held() -> None:
    assert worded("step\n 12,  by 1.3e+00 (0.0546\n to 0.0585)") == "step # by # (# to #)"
    assert worded("`loss.broadcast`") == "`loss.broadcast`"
    assert_shown("a 1 b\n...\nd 2, ...", "a 3 b c\n d 4, e")
    with pytest.raises(AssertionError, match="not printed: b"):
        assert_shown("a ... d ... b", "a b d")


@pytest.mark.slow
@pytest.mark.sampled(4, among="questions")
def test_two_programs_are_compared_as_shown(tmp_path: Path) -> None:
    asked = ("compare", "specs/ports/wifi_keras.py", "specs/ports/wifi_torch.py")
    said = printed(*asked, "--out", str(tmp_path))
    assert worded(shown(f"    parity {' '.join(asked)}")) in worded(said)
    assert_shown(shown("$ parity compare wifi_keras.py wifi_torch.py", "docs/compare.md"), said)


@pytest.mark.slow
@pytest.mark.sampled(4, among="questions")
def test_two_programs_with_opaque_parts_are_compared_as_shown(tmp_path: Path) -> None:
    said = printed("compare", "specs/ports/vae_keras.py", "specs/ports/vae_torch.py", "--out", str(tmp_path))
    assert "of the same outputs, the loss of vae_torch is 64 times that of vae_keras" in " ".join(said.split())
    assert_shown(shown("$ parity compare vae_keras.py vae_torch.py", "docs/compare.md"), said)


@pytest.mark.slow
@pytest.mark.sampled(4, among="questions")
def test_a_program_is_ported_as_shown(tmp_path: Path) -> None:
    asked = ("port", "specs/ports/phrases_keras.py", "--to", "torch", "--weights")
    weights, _, verdict = shown(f"    parity {' '.join(asked)}").partition("\n")  # Between them stands the name.
    said = worded(printed(*asked, "--out", str(tmp_path)))
    assert worded(weights) in said
    assert worded(verdict) in said


@pytest.mark.slow
@pytest.mark.skipif(not WHOLE, reason="takes minutes: make long")
def test_the_demo_ends_in_the_screen_shown(tmp_path: Path) -> None:
    screen = worded(shown("It ends in a screen with the answer:")).partition("reports/")[0]
    assert screen in worded(printed("run", "specs/leaf_small.yaml", "--out", str(tmp_path)))
