"""The embedded stand-in for the Wi-Fi set: same shapes, same look, learnable to the same degree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from parity.data.sources import Raw, Source
from parity.data.sources.leaf_like import Draws
from parity.data.sources.wifi_location import prepared, read_places
from parity.lazy import np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ROWS, POINTS = 4109, 64
"""Fingerprints, and the access points that are kept: those heard most often, in that order."""

KEY = 0x3171
"""Key of the generator. Changing it, or the order of the draws, changes the set."""

FLOORS = (0.35, 0.30, 0.19, 0.144, 0.016)
"""Share of the fingerprints on each floor, the lowest first. A third of the first and of the last together is the share
of target values that are exactly 0 or 1."""

STOREY = 3.7
"""Height of a floor in metres."""


@dataclass(frozen=True, kw_only=True)
class Building:
    """Where fingerprints are taken and access points hang, in metres; along, and across.

    Args:
        centre: of the building.
        along: deviation of the fingerprints along the building.
        across: deviation across it.
        tilt: metres that the building moves across for each one along.
        reach: how far access points hang from the centre, along and across.
        lowest: the least coordinates.
        highest: the greatest.
    """

    centre: tuple[float, float]
    along: float
    across: float
    tilt: float
    reach: tuple[float, float]
    lowest: tuple[float, float]
    highest: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Radio:
    """How strongly an access point is heard; decibels, all deviations of normal numbers.

    Args:
        boxes: devices on the ceiling; each sends under several names, which are heard alike.
        names: access points, of which the most heard are kept.
        power: strength at a metre.
        exponent: loss in decibels for each factor of ten in distance, over 10.
        floor: loss in each floor between.
        shadow: deviation of what walls do, which changes smoothly from place to place.
        waves: cosines that make it up.
        length: their typical length in metres.
        phone: deviation between the phones that measured.
        box: deviation of a measurement of a box.
        name: deviation of a measurement of one of its names.
        sender: deviation of a name's strength.
        heard: below it a name is not heard, on average.
        luck: deviation of that.
        weakest: below it nothing is heard at all.
        strongest: above it nothing is told apart.
    """

    boxes: int
    names: int
    power: float
    exponent: float
    floor: float
    shadow: float
    waves: int
    length: float
    phone: float
    box: float
    name: float
    sender: float
    heard: float
    luck: float
    weakest: float
    strongest: float


# Calibrated against the real set (tests/benchmarks/wifi_like_calibration.py): how many access points a row hears and
# how strongly, how much of each coordinate a linear fit and the five nearest neighbours explain, and the loss of the
# network of specs/regression.yaml after each epoch.
BUILDING = Building(centre=(92.0, 35.0), along=33.0, across=10.0, tilt=0.25, reach=(70.0, 30.0), lowest=(8.0, -33.0),
                    highest=(214.0, 75.0))  # fmt: skip
RADIO = Radio(boxes=45, names=112, power=-36.0, exponent=3.2, floor=9.0, shadow=8.0, waves=6, length=25.0, phone=8.0,
              box=4.0, name=2.5, sender=3.0, heard=-87.0, luck=5.0, weakest=-98.0, strongest=-16.0)  # fmt: skip


def places(draws: Draws, count: int, building: Building) -> NDArray[np.float64]:
    """Return where fingerprints are taken, (fingerprint, coordinate), in metres.

    Args:
        draws: where the randomness comes from.
        count: how many.
        building: that they are taken in.
    """
    floor = np.searchsorted(np.cumsum(FLOORS)[:-1], draws.uniform(count), side="right")
    along = building.along * draws.normal(count)
    across = building.tilt * along + building.across * draws.normal(count)
    inside = np.clip(np.stack([along, across], axis=1) + building.centre, building.lowest, building.highest)
    return np.concatenate([inside, STOREY * floor[:, None]], axis=1)


def boxes(draws: Draws, count: int, building: Building) -> NDArray[np.float64]:
    """Return where access points hang, (box, coordinate), in metres; arguments as :func:`places`."""
    along, across, floor = (draws.uniform(count) for _ in range(3))
    along, across = (2 * along - 1) * building.reach[0], (2 * across - 1) * building.reach[1]
    spots = np.stack([along, building.tilt * along + across], axis=1) + building.centre
    return np.concatenate([spots, STOREY * np.floor(4.2 * floor)[:, None]], axis=1)


def strengths(draws: Draws, place: NDArray[np.float64], box: NDArray[np.float64], radio: Radio) -> NDArray[np.float64]:
    """Return how strongly every name is heard at every place, (place, name), whole decibels; NaN where it is not.

    Args:
        draws: where the randomness comes from.
        place: (place, coordinate).
        box: (box, coordinate).
        radio: how signals get about.
    """
    between = place[:, None] - box
    distance = np.sqrt((between**2).sum(axis=2) + 1)
    wave = 2 * np.pi / np.array([radio.length, radio.length, 4 * STOREY])
    turn = draws.normal(len(box), radio.waves, 3) * wave
    start = 2 * np.pi * draws.uniform(len(box), radio.waves)
    phase = sum(place[:, axis, None, None] * turn[..., axis] for axis in range(3)) + start
    strength = radio.power - 10 * radio.exponent * np.log10(distance) - radio.floor * np.abs(between[..., 2]) / STOREY
    strength = strength + radio.shadow * np.sqrt(2 / radio.waves) * np.cos(phase).sum(axis=2)
    strength += radio.phone * draws.normal(len(place), 1) + radio.box * draws.normal(len(place), len(box))
    owner = np.sort(np.floor(len(box) * draws.uniform(radio.names)).astype(int))
    named = strength[:, owner] + radio.name * draws.normal(len(place), radio.names)
    named += radio.sender * draws.normal(radio.names)
    heard = named > radio.heard + radio.luck * draws.normal(len(place), radio.names)
    whole = np.clip(np.round(named), radio.weakest, radio.strongest)
    return np.where(heard & (named > radio.weakest), whole, np.nan)


def generate() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the set: strengths (4109, 64) in [0, 1), 0 where nothing was heard, and places (4109, 3) in metres."""
    draws = Draws(KEY)
    place = places(draws, ROWS + ROWS // 4, BUILDING)
    strength = strengths(draws, place, boxes(draws, RADIO.boxes, BUILDING), RADIO)
    # As in the real set: -110 dB is 0, every decibel 1 / 110 more, and so is whatever was not heard.
    x = np.nan_to_num((strength + 110) / 110, nan=0.0)
    most = np.argsort(-(x > 0).mean(axis=0), kind="stable")[:POINTS]
    something = (x[:, most] > 0).any(axis=1)
    x, y = x[something][:ROWS, most], place[something][:ROWS]
    return x.astype(np.float32), np.round(y, 3).astype(np.float32)


class WifiLike(Source):
    """Generated fingerprints: no file, no download."""

    name: ClassVar[str] = "wifi_like"
    summary: ClassVar[str] = "generated stand-in for the Wi-Fi set: 4109 rows of 64, targets (3, 1) in [0, 1]"
    classes: ClassVar[bool] = False
    stands_for: ClassVar[str | None] = "wifi_location"

    def read(self) -> Raw:
        """Return the generated set, prepared as the real one is."""
        x, y = generate()
        words = "wifi_like, a generated stand-in for the Wi-Fi set (no real fingerprints)"
        return replace(prepared(Raw(x=x, y=y, description=words)), stand_in=True)

    def read_given(self, file: Path, *, x: str | tuple[str, ...], y: str | tuple[str, ...]) -> Raw:
        """Return a user's rows prepared, called the real Wi-Fi set only when they are."""
        return read_places(file, x, y)
