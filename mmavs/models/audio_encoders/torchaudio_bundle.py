"""Speech models of torchaudio as audio encoders."""

from typing import Dict, Optional

import torch.nn.functional as F
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor

from mmavs.audio.resampling import import_torchaudio
from mmavs.registry import MODELS

from .pretrained_encoder import PretrainedAudioEncoder

SCHEME = 'torchaudio://'


@MODELS.register_module()
class TorchaudioBundleEncoder(PretrainedAudioEncoder):
    """wav2vec 2.0, HuBERT, WavLM or XLS-R over the waveform of a second.

    "wav2vec 2.0", https://arxiv.org/abs/2006.11477; "HuBERT",
    https://arxiv.org/abs/2106.07447; "WavLM",
    https://arxiv.org/abs/2110.13900. Weights are downloaded by torchaudio
    with ``init_cfg=dict(type='Pretrained',
    checkpoint='torchaudio://HUBERT_BASE')`` and cached as torch.hub does.

    Args:
        bundle (str): A name of ``torchaudio.pipelines``, e.g.
            ``'WAV2VEC2_BASE'`` (94 M) or ``'HUBERT_BASE'``. The classifier of
            a recogniser's bundle is left out.
        num_layers (int, optional): Transformer layers to run; the later ones
            are not built. Defaults to all.
        pool (str, optional): ``'mean'`` averages the tokens of a frame's
            sound. Defaults to None: tokens, 49 per second.
        frozen (bool): Keep the weights.
        init_cfg (dict, optional): See :class:`PretrainedAudioEncoder`.

    Attributes:
        out_channels (int): Width of a token; 768 for the base models.

    Raises:
        ImportError: torchaudio cannot be imported.
        ValueError: Unknown bundle, ``pool`` or number of layers.
    """

    def __init__(
        self,
        bundle: str = 'WAV2VEC2_BASE',
        num_layers: Optional[int] = None,
        pool: Optional[str] = None,
        frozen: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(frozen, init_cfg)
        if pool not in (None, 'mean'):
            raise ValueError(f"pool must be None or 'mean', got {pool!r}")
        self.pool = pool
        description = find_bundle(bundle)
        arguments = dict(description._params, aux_num_out=None)
        depth = arguments['encoder_num_layers']
        if num_layers is not None:
            if not 1 <= num_layers <= depth:
                raise ValueError(
                    f'{bundle} has {depth} layers, got num_layers={num_layers}'
                )
            arguments['encoder_num_layers'] = num_layers
        models = import_torchaudio().models
        build = (
            models.wavlm_model
            if description._model_type == 'WavLM'
            else models.wav2vec2_model
        )
        self.model = build(**arguments)
        self.normalize_waveform = description._normalize_waveform
        self.out_channels = arguments['encoder_embed_dim']
        self.freeze()

    def encode(self, audio: Tensor) -> Tensor:
        """Encode one piece of sound per frame.

        Args:
            audio (Tensor): (N, S) waveform in [-1, 1] at 16 kHz, S >= 400;
                from the ``AudioSegments`` transform.

        Returns:
            Tensor: (N, L, D) tokens, or their mean (N, D).
        """
        if self.normalize_waveform:
            # Each second by itself; torchaudio's own pipelines normalise over
            # the batch, which would let frames see each other.
            audio = F.layer_norm(audio, audio.shape[-1:])
        layers, _ = self.model.extract_features(audio)
        tokens = layers[-1]
        return tokens.mean(dim=1) if self.pool == 'mean' else tokens

    def adapt(self, checkpoint: dict) -> Dict[str, Tensor]:
        """Turn a bundle's file into this module's state dict.

        Args:
            checkpoint (dict): Of ``torchaudio://<bundle>``, or of this module.

        Returns:
            dict[str, Tensor]: Without the classifier and unused layers.
        """
        weights = checkpoint.get('state_dict', checkpoint)
        depth = len(self.model.encoder.transformer.layers)
        adapted = {}
        for key, value in weights.items():
            name = key.removeprefix('model.')
            layer = name.partition('encoder.transformer.layers.')[2]
            if name.startswith('aux.') or (
                layer and int(layer.split('.')[0]) >= depth
            ):
                continue
            adapted[f'model.{name}'] = value
        return adapted


def find_bundle(name: str):
    """Look a speech bundle of ``torchaudio.pipelines`` up.

    Args:
        name (str): E.g. ``'HUBERT_BASE'``.

    Returns:
        torchaudio.pipelines.Wav2Vec2Bundle: Its description.

    Raises:
        ValueError: There is no such bundle; names those there are.
    """
    import_torchaudio()
    from torchaudio import pipelines

    bundle = getattr(pipelines, name, None)
    if not isinstance(bundle, pipelines.Wav2Vec2Bundle):
        known = sorted(
            key
            for key, value in vars(pipelines).items()
            if isinstance(value, pipelines.Wav2Vec2Bundle)
        )
        raise ValueError(
            f'{name!r} is not a speech bundle of torchaudio. There are: '
            + ', '.join(known)
        )
    return bundle


@CheckpointLoader.register_scheme(prefixes=SCHEME)
def load_bundle(filename: str, map_location=None) -> Dict[str, Tensor]:
    """Download a bundle's weights once and read them without running code.

    Args:
        filename (str): ``'torchaudio://<bundle>'``.
        map_location: As in :func:`torch.load`.

    Returns:
        dict[str, Tensor]: As torchaudio publishes them.
    """
    bundle = find_bundle(filename[len(SCHEME) :])
    return bundle._get_state_dict(
        dict(weights_only=True, map_location=map_location)
    )
