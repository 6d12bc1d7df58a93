"""Running: worker processes, shared randomness, free runs, lockstep, the store of finished runs."""
