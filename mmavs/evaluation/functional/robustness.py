"""One figure for: segments what sounds, and nothing else."""

from statistics import mean
from typing import Mapping, Optional

from mmavs.audio.sounds import FITTING, UNFITTING


def robustness(figures: Mapping[str, Mapping[str, float]]) -> Optional[float]:
    """Join J, F and false-positive rate over fitting and unfitting sounds.

    ``fit`` is the mean of (J + F) / 2 under the sounds that fit; ``quiet`` is
    1 - FPR / A, not below 0, of the mean false-positive rate under those that
    do not, A being the share of pixels that are segmented under the clips'
    own sound. Robustness is their harmonic mean. A model that gives the same
    whatever it hears, or never anything, has 0. Formulas and reasons stand in
    ``docs/en/metrics.md``.

    Args:
        figures (Mapping): sound -> figures in percent: ``J`` and ``F`` of
            those in ``FITTING``, ``sounding`` of ``own``, ``FPR`` of those in
            ``UNFITTING``. Sounds that were not tried are left out.

    Returns:
        float, optional: In percent. None without ``own``, or without any
        sound that does not fit.
    """
    fitting = [figures[sound] for sound in FITTING if sound in figures]
    rates = [figures[s]['FPR'] for s in UNFITTING if s in figures]
    if 'own' not in figures or not rates:
        return None
    fit = mean((row['J'] + row['F']) / 2 for row in fitting)
    own = figures['own']['sounding']
    quiet = 100 * max(0.0, 1 - mean(rates) / own) if own else 0.0
    return 2 * fit * quiet / (fit + quiet) if fit + quiet else 0.0
