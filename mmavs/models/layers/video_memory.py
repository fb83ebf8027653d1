"""Which decoded frames of a video a later frame looks back at."""

from typing import Dict, List, NamedTuple, Optional

from torch import Tensor

NUM_MEMORIES = 7  # the conditioning frame and up to six before
MAX_POINTERS = 16  # that of the conditioning frame and up to 15 before


class FrameMemory(NamedTuple):
    """What a decoded frame of B clips leaves for later frames.

    Attributes:
        features (Tensor): (B, h * w, M).
        pointer (Tensor): (B, D).
    """

    features: Tensor
    pointer: Tensor


class SeenMemories(NamedTuple):
    """What a frame of B clips looks back at, in SAM 2's order.

    Attributes:
        features (list[Tensor]): (B, h * w, M) each.
        slots (list[int]): Which of the ``NUM_MEMORIES`` embeddings of time
            each of them gets.
        pointers (list[Tensor]): (B, D) each, perhaps of other frames.
    """

    features: List[Tensor]
    slots: List[int]
    pointers: List[Tensor]


class VideoMemory:
    """Decoded frames of B videos by their place, under SAM 2's rules.

    A frame looks back at the conditioning frame, which is decoded before all
    others and never forgotten, at up to six frames right before it, and at
    the object pointers of up to 15. A video may come clip after clip: what
    :meth:`forget` leaves does not grow.

    Attributes:
        start (int): Place of the next clip's first frame.
        first (int, optional): Place of the conditioning frame, once known.
        frames (dict[int, FrameMemory]): By place.
    """

    def __init__(self) -> None:
        self.start = 0
        self.first: Optional[int] = None
        self.frames: Dict[int, FrameMemory] = {}

    def seen_from(self, place: int, past_only: bool) -> Optional[SeenMemories]:
        """Say what a frame looks back at.

        Args:
            place (int): Of the frame.
            past_only (bool): Not at the object pointer of a later
                conditioning frame.

        Returns:
            SeenMemories, optional: None for the conditioning frame.
        """
        if place == self.first:
            return None
        known = self.frames.keys() - {self.first}
        spatial, pointers = [self.first], []
        slots = [NUM_MEMORIES - 1]
        for before in range(place - NUM_MEMORIES + 1, place):
            if before in known:
                spatial.append(before)
                slots.append(place - before - 1)
        if self.first < place or not past_only:
            pointers.append(self.first)
        for before in range(place - 1, place - MAX_POINTERS, -1):
            if before in known:
                pointers.append(before)
        return SeenMemories(
            [self.frames[before].features for before in spatial],
            slots,
            [self.frames[before].pointer for before in pointers],
        )

    def forget(self) -> None:
        """Let go of what no later clip looks back at.

        The next one may reach back over all but the first frame of the last.
        """
        oldest = self.start - MAX_POINTERS + 2
        self.frames = {
            place: memory
            for place, memory in self.frames.items()
            if place == self.first or place >= oldest
        }
