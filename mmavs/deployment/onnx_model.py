"""An exported model, run by ONNX Runtime; needs no torch."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

import numpy as np

FORMAT = 1  # of the description beside the model
_NEEDED = (
    *('clip_frames', 'size', 'any_size', 'frames', 'front_end', 'binary'),
    *('threshold', 'align_corners', 'classes', 'categories', 'palette'),
    *('overlap', 'unsupported', 'inputs', 'outputs', 'sha256'),
)


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
        options.log_severity_level = 3  # errors
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self.session = runtime.InferenceSession(
                data, options, providers=['CPUExecutionProvider']
            )
        except Exception as error:  # of a pybind11 module, without a base
            raise ValueError(
                f'{self.path} is not a model that ONNX Runtime '
                f'{runtime.__version__} runs ({error}). Fix: export it again.'
            ) from None

    def run(self, **inputs: np.ndarray) -> Dict[str, np.ndarray]:
        """Run the network.

        Args:
            **inputs (ndarray): ``imgs`` (B, T, 3, H, W) float32, normalised;
                ``audio`` (B, T, ...) float32.

        Returns:
            dict[str, ndarray]: By the names of ``facts['outputs']``, see
            :class:`mmavs.deployment.network.ClipNetwork`.

        Raises:
            ValueError: Clips of another length or size than the model's.
        """
        imgs, facts = inputs['imgs'], self.facts
        free = facts['any_size'] or list(imgs.shape[-2:]) == facts['size']
        if imgs.shape[1] != facts['clip_frames'] or not free:
            length, (height, width) = facts['clip_frames'], facts['size']
            raise ValueError(
                f'{self.path} takes clips of {length} frames'
                + f' of {width} x {height}' * (not facts['any_size'])
                + f', got {imgs.shape[1]} of {imgs.shape[-1]} x '
                f'{imgs.shape[-2]}. Fix: export it for those.'
            )
        given = {name: inputs[name] for name in facts['inputs']}
        values: List[Any] = self.session.run(facts['outputs'], given)
        return dict(zip(facts['outputs'], values))


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
    known = isinstance(facts, dict) and facts.get('format') == FORMAT
    missing = [name for name in _NEEDED if not known or name not in facts]
    if missing:
        raise ValueError(
            f'{beside} does not describe a model as this version of mmavs '
            f'does (format {FORMAT}, with {missing[0]}). Fix: export the '
            'model again, with this version.'
        )
    return facts


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
