"""The free runs: whose worker the twin of the first side takes over, and when it does not wait for it."""

from __future__ import annotations

import threading
import time

from parity.court.freeruns import Ahead


def waited(ahead: Ahead, most: float = 5.0) -> bool:
    """Return whether somebody who waits is let go within some seconds."""
    thread = threading.Thread(target=ahead.wait, daemon=True)
    thread.start()
    thread.join(most)
    return not thread.is_alive()


def test_a_run_that_takes_longer_than_a_start_is_not_waited_for() -> None:
    ahead = Ahead(begun=time.monotonic() - 3.0)
    ahead.seen(0.01)  # Three seconds to the first step.
    assert ahead.left == 0.0
    ahead.begun -= 2.0
    ahead.seen(0.25)  # Two more for a quarter of the way: six to go.
    assert 5.5 < ahead.left < 6.5
    assert waited(ahead)


def test_a_run_that_is_over_sooner_is_waited_for_until_its_worker_is_free() -> None:
    ahead = Ahead(begun=time.monotonic() - 3.0)
    assert not waited(ahead, 0.3)  # Not started yet: nothing is known of it.
    ahead.seen(0.01)
    ahead.begun -= 1.0
    ahead.seen(0.9)
    assert ahead.left < 1.0
    ahead.seen(1.0)
    assert not waited(ahead, 0.3)  # Its last step is done, and the worker not given back.
    ahead.over.set()
    assert waited(ahead)
