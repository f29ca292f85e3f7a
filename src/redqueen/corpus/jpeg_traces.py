"""Traces that earlier JPEG compression leaves in pixels, as a short row of numbers a picture.

Three kinds: how much stronger steps between pixels are at one phase of the 8 x 8 grid than at the others (the last
saving shows at phase 0, an earlier one with another crop elsewhere); a period in those steps that is none of 8's (an
earlier grid, resampled); and how far DCT coefficients lie on multiples of the steps of a libjpeg quality.
The last is calibrated after Fridrich, Goljan & Hogea (2002), "Steganalysis of JPEG images: breaking the F5 algorithm":
what the same picture shows on a grid half a block away is subtracted, so that content cancels and history stays.
"""

import numpy as np
from numpy.typing import NDArray

from redqueen.corpus.decode import QUANTISATION_50

FloatArray = NDArray[np.float64]

SMALLEST = 32  # pixels a side: on less there is no grid to speak of
QUALITIES = (50, 60, 65, 70, 75, 80, 85, 90, 95)
ON_GRID, OFF_GRID = slice(9, 9 + len(QUALITIES)), slice(9 + len(QUALITIES), 9 + 2 * len(QUALITIES))  # of `traces`
_ZIGZAG = ((0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0))  # (row, column) of coefficients
WIDTH = OFF_GRID.stop

_K = np.arange(8)
_BASIS = np.cos((2 * _K + 1) * _K[:, np.newaxis] * np.pi / 16) * np.where(_K == 0, 8**-0.5, 0.5)[:, np.newaxis]
_WAVES = np.stack([np.outer(_BASIS[u], _BASIS[v]).ravel() for u, v in _ZIGZAG], axis=1)  # (64, 9)
_STEPS = np.array(  # (qualities, 9), by libjpeg's rule for a quality of at least 50
    [[max(1, (QUANTISATION_50[8 * u + v] * (200 - 2 * q) + 50) // 100) for u, v in _ZIGZAG] for q in QUALITIES], float
)
_FEWEST = 30  # coefficients: a mean over less is drawn towards 0
_PERIODS = 16  # of a step: coefficients further out are too rare to count


def traces(luma: NDArray[np.uint8]) -> FloatArray:
    """(height, width) to (WIDTH,): grid phases, resampled grid, steps on the grid and on the next strongest grid.

    Zeros for a picture with a side under SMALLEST pixels.
    """
    if min(luma.shape) < SMALLEST:
        return np.zeros(WIDTH)
    y = luma.astype(np.float64)
    across, down = _steps_between(y), _steps_between(y.T)
    column, row = _phases(across), _phases(down)
    left, top = int(np.argmax(column[1:])) + 1, int(np.argmax(row[1:])) + 1
    others = (np.sort(column[1:]) + np.sort(row[1:])) / 2
    grid = [(column[0] + row[0]) / 2, *others, (_peak(across) + _peak(down)) / 2]
    return np.concatenate([grid, _calibrated(y, 0, 0), _calibrated(y, top, left)])


def history(as_is: FloatArray, shifted: FloatArray, last: int | None) -> FloatArray:
    """What earlier savings left beyond the last one, with content cancelled: two times (n, WIDTH) to (n, d).

    Steps on the grid, less those that the same pictures show once they were cropped off their grid and saved as before;
    and steps off the grid, which `traces` has calibrated already. Phases of the grid are left out: decoders of
    generators work in blocks of eight pixels too. So are qualities whose steps the last saving imitates: its own, finer
    ones, and the one of twice its steps; on these, pictures with more noise look like pictures with another history.

    Args:
        as_is: `traces` of the pictures as they are.
        shifted: of the same ones, cropped by numbers of pixels that are no multiples of 4, and saved as before.
        last: libjpeg quality of the last saving; None where it was none of JPEG.
    """
    ratio = np.array([_coarseness(q) / _coarseness(last) if last else np.inf for q in QUALITIES])
    apart = (ratio > 1) & (ratio != 2)
    on_grid = as_is[:, ON_GRID] - shifted[:, ON_GRID]
    return np.concatenate([on_grid[:, apart], as_is[:, OFF_GRID][:, apart]], axis=1)


def _coarseness(quality: int) -> float:
    """What libjpeg multiplies its tables by, in per cent."""
    return 5000 / quality if quality < 50 else max(1.0, 200.0 - 2 * quality)


def _steps_between(y: FloatArray) -> FloatArray:
    """Log of the mean jump between columns x + 1 and x + 2 beyond the mean of the jumps beside it, (w,)."""
    jumps = np.abs(1.5 * (y[:, 1:-2] - y[:, 2:-1]) - 0.5 * (y[:, :-3] - y[:, 3:])).mean(axis=0)
    whole = len(jumps) // 8 * 8
    profile: FloatArray = np.log(jumps[:whole] + 0.1)
    return profile


def _phases(profile: FloatArray) -> FloatArray:
    """The profile by phase of the grid, (8,), less its mean: entry k is of blocks that start at column k."""
    mean = profile.reshape(-1, 8).mean(axis=0)
    return np.roll(mean - mean.mean(), 2)


def _peak(profile: FloatArray) -> float:
    """Log of the strongest period of the profile over the median one, periods of the grid itself left out."""
    n = len(profile)
    smooth = np.convolve(profile, np.ones(9) / 9, "same")
    power = np.abs(np.fft.rfft((profile - smooth) * np.hanning(n)))
    at = np.arange(len(power))
    off_grid = np.abs(at - np.round(at * 8 / n) * n / 8) >= 2
    left = power[off_grid & (at > n // 16)]
    median = float(np.median(left)) if len(left) else 0.0
    return float(np.log(left.max() / median)) if median > 0 else 0.0


def _calibrated(y: FloatArray, top: int, left: int) -> FloatArray:
    """How far coefficients lie on multiples of each quality's steps, less the same half a block away: (qualities,)."""
    return _on_steps(y[top:, left:]) - _on_steps(y[(top + 4) % 8 :, (left + 4) % 8 :])


def _on_steps(y: FloatArray) -> FloatArray:
    """Mean of cos(2 pi c / step) over coefficients beyond the first half step, (qualities,): 1 where all lie on it."""
    height, width = (side // 8 for side in y.shape)
    blocks = y[: height * 8, : width * 8].reshape(height, 8, width, 8).transpose(0, 2, 1, 3).reshape(-1, 64)
    size = np.abs(blocks @ _WAVES)  # (blocks, 9)
    found = np.empty(len(_STEPS))
    for at, step in enumerate(_STEPS):
        parts = size / step
        beyond = (parts > 0.5) & (parts < _PERIODS)
        found[at] = np.cos(2 * np.pi * parts[beyond]).sum() / max(np.count_nonzero(beyond), _FEWEST)
    return found
