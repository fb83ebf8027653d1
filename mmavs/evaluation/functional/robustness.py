"""One figure for: segments what sounds, and nothing else."""

from statistics import mean
from typing import Mapping, Optional

from mmavs.audio.sounds import FITTING, UNFITTING


def robustness(figures: Mapping[str, Mapping[str, float]]) -> Optional[float]:
    """Join J, F and false-positive rate over fitting and unfitting sounds.

    ``fit`` is the mean of (J + F) / 2 under the sounds that fit; ``quiet`` is
    the mean, under those that do not, of 1 - FPR / A, not below 0, A being
    the share of pixels that are segmented under the clips' own sound: a sound
    that fools a model does not take what it earns under others. Robustness is
    their harmonic mean. A model that gives the same whatever it hears, or
    never anything, has 0. Formulas and reasons stand in
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
    if not own:
        return 0.0
    quiet = 100 * mean(max(0.0, 1 - rate / own) for rate in rates)
    return 2 * fit * quiet / (fit + quiet) if fit + quiet else 0.0
