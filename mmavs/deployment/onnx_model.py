"""An exported model, run by ONNX Runtime; needs no torch."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np

from mmavs.error_text import first_line

FORMAT = 1  # of the description beside the model
_NUMBER, _NONE = (int, float), type(None)
# what a description holds, of which type
_NEEDED = dict(
    clip_frames=int,
    size=list,
    size_step=(int, _NONE),
    frames=dict,
    front_end=(dict, _NONE),
    binary=bool,
    threshold=_NUMBER,
    align_corners=bool,
    classes=list,
    categories=list,
    palette=list,
    overlap=(str, _NONE),
    unsupported=list,
    inputs=list,
    outputs=list,
    sha256=str,
)
_OF_FRAMES = dict(
    resize=(dict, _NONE), mean=list, std=list, order=str, size_divisor=int
)
_OF_FRONT_END = dict(kind=str, sample_rate=int, channels=int, in_graph=bool)


class OnnxModel:
    """A network in an ONNX file, with its description.

    Args:
        path (str or Path): The file; ``PATH.json`` lies beside it.
        threads (int, optional): Of the session. Defaults to one per
            processor core.

    Attributes:
        path (Path): The file.
        facts (dict): The description, see
            :func:`mmavs.deployment.sidecar.describe`.

    Raises:
        FileNotFoundError: One of the two is absent.
        ImportError: onnxruntime is absent.
        ValueError: They do not belong together, or are damaged.
    """

    def __init__(
        self, path: Union[str, Path], threads: Optional[int] = None
    ) -> None:
        self.path = Path(path)
        data = _read(self.path)
        self.facts = read_facts(self.path)
        if hashlib.sha256(data).hexdigest() != self.facts['sha256']:
            raise ValueError(
                f'{self.path} is not the file that {self.path}.json '
                'describes: its SHA-256 is another one. Fix: copy both again, '
                'or export the model again.'
            )
        runtime = _import_runtime()
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # errors are raised
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self.session = runtime.InferenceSession(
                data, options, providers=['CPUExecutionProvider']
            )
        except Exception as error:  # of a pybind11 module, without a base
            raise ValueError(
                f'{self.path} is not a model that ONNX Runtime '
                f'{runtime.__version__} runs ({first_line(error)}). Fix: '
                'export it again, or pip install --upgrade onnxruntime.'
            ) from None
        self._check_names()

    def run(self, **inputs: np.ndarray) -> Dict[str, np.ndarray]:
        """Run the network.

        Args:
            **inputs (ndarray): ``imgs`` (B, T, 3, H, W) float32, normalised;
                ``audio`` (B, T, ...) float32.

        Returns:
            dict[str, ndarray]: By the names of ``facts['outputs']``, see
            :class:`mmavs.deployment.network.ClipNetwork`.

        Raises:
            ValueError: An input is absent, or of another shape or type than
                the model's.
        """
        facts = self.facts
        if inputs.get('imgs') is not None:
            self._check_frames(inputs['imgs'].shape)
        for wanted in self.session.get_inputs():
            self._check_input(wanted, inputs.get(wanted.name))
        given = {name: inputs[name] for name in facts['inputs']}
        values: List[Any] = self.session.run(facts['outputs'], given)
        return dict(zip(facts['outputs'], values))

    def _check_names(self) -> None:
        """Refuse a description of other inputs and outputs."""
        session = self.session
        for name, has in (
            ('inputs', session.get_inputs()),
            ('outputs', session.get_outputs()),
        ):
            found = [value.name for value in has]
            if found != self.facts[name]:
                raise ValueError(
                    f'{self.path} has the {name} {found}, and its .json says '
                    f'{self.facts[name]}. Fix: export the model again.'
                )

    def _check_frames(self, shape: Sequence[int]) -> None:
        facts = self.facts
        length, (height, width) = facts['clip_frames'], facts['size']
        step = facts['size_step']
        if step:
            wanted = f'sizes in steps of {step} pixels'
            fits = not any(side % step for side in shape[3:])
        else:
            wanted = f'{width} x {height}'
            fits = tuple(shape[3:]) == (height, width)
        if len(shape) != 5 or shape[1] != length or not fits:
            raise ValueError(
                f'{self.path} takes clips (B, T, 3, H, W) of {length} frames '
                f'of {wanted}, got {tuple(shape)}. Fix: export it for those.'
            )

    def _check_input(self, wanted: Any, given: Optional[np.ndarray]) -> None:
        """Compare an array with what the session says of an input."""
        if given is None:
            raise ValueError(
                f'{self.path} takes {" and ".join(self.facts["inputs"])}, and '
                f'got no {wanted.name}. Fix: give it, as {wanted.name}=ARRAY.'
            )
        # what is free in the graph has a name, which fits any length
        fits = len(given.shape) == len(wanted.shape) and all(
            isinstance(side, str) or side == has
            for side, has in zip(wanted.shape, given.shape)
        )
        if not fits or given.dtype != np.float32:
            shape = ', '.join(map(str, wanted.shape))
            raise ValueError(
                f'{self.path} takes {wanted.name} of shape ({shape}), '
                f'float32, got {given.shape}, {given.dtype}. Fix: make it so, '
                'or export the model anew.'
            )


def read_facts(path: Path) -> dict:
    """Read the description of an exported model.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is damaged, or of another version of mmavs.
    """
    beside = Path(f'{path}.json')
    try:
        facts = json.loads(_read(beside))
    except ValueError as error:
        raise ValueError(
            f'{beside} is damaged ({error}). Fix: export the model again.'
        ) from None
    wrong = 'format'
    if isinstance(facts, dict) and facts.get('format') == FORMAT:
        wrong = (
            _unlike(facts, _NEEDED)
            or _unlike(facts['frames'], _OF_FRAMES)
            or (
                facts['front_end']
                and _unlike(facts['front_end'], _OF_FRONT_END)
            )
        )
    if wrong:
        raise ValueError(
            f'{beside} does not describe a model as this version of mmavs '
            f'does (format {FORMAT}): its {wrong} is missing or wrong. Fix: '
            'export the model again, with this version.'
        )
    return facts


def _unlike(facts: dict, needed: dict) -> Optional[str]:
    """Name the first field that is missing or of another type."""
    for name, kind in needed.items():
        if not isinstance(facts.get(name, ...), kind):
            return name
    return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f'no file {path}. Fix: an exported model is two files, MODEL.onnx '
            'and MODEL.onnx.json, as tools/deployment/export.py writes them.'
        ) from None


def _import_runtime():
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f'ONNX files are run by onnxruntime ({error}). Fix: pip install '
            'onnxruntime.'
        ) from error
    return onnxruntime
