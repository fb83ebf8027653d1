"""BEATs, a transformer pre-trained on AudioSet."""

from typing import Dict, Optional

from mmengine.logging import print_log
from torch import Tensor, nn

from mmavs.audio.fbank import HOP_LENGTH, WINDOW_LENGTH, fbank_of_segments
from mmavs.models.layers.beats_encoder import BEATsEncoder
from mmavs.registry import MODELS
from mmavs.weights.released import beats

from .pretrained_encoder import PretrainedAudioEncoder

# of the released files BEATs_iter3*.pt: the patches, then the transformer
ITERATION_3 = dict(
    patch_size=16,  # in frames and bands
    patch_channels=512,  # before the projection to embed_dims
    patch_bias=False,
    embed_dims=768,
    num_layers=12,
    num_heads=12,
    ffn_channels=3072,
    conv_position_kernel=128,
    conv_position_groups=16,
    num_buckets=320,
    max_distance=800,
    gated=True,
    deep_norm=True,
    pre_norm=False,
)


@MODELS.register_module()
class BEATs(PretrainedAudioEncoder):
    """Tokens of sound from a filterbank, 90.31 M parameters.

    "BEATs: Audio Pre-Training with Acoustic Tokenizers",
    https://arxiv.org/abs/2212.09058, section 3.2. Patches of 16 x 16
    (160 ms x 16 bands) become tokens, time-major: token t * 8 + f. One second
    gives 48. The defaults are those of the released iteration-3 files, which
    load as they are; their own configuration is read and compared.

    Args:
        architecture (dict, optional): What a file of another configuration
            changes in :data:`ITERATION_3`.
        num_categories (int, optional): Build the classifier of a fine-tuned
            file (527 for AudioSet; 90.72 M in all) for :meth:`categories`.
            Without it, a fine-tuned file's classifier is left out, with a
            notice.
        pool (str, optional): ``'mean'`` averages the tokens of a frame's
            sound. Defaults to None: tokens.
        waveform_in (bool): Take waveforms and compute the filterbank on the
            device.
        frozen (bool): Keep the weights.
        init_cfg (dict, optional): See :class:`PretrainedAudioEncoder`.

    Attributes:
        out_channels (int): Width of a token, ``embed_dims``.

    Raises:
        TypeError: Unknown names in ``architecture``.
        ValueError: Unknown ``pool``.
    """

    def __init__(
        self,
        *,
        architecture: Optional[dict] = None,
        num_categories: Optional[int] = None,
        pool: Optional[str] = None,
        waveform_in: bool = False,
        frozen: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(frozen, init_cfg)
        if pool not in (None, 'mean'):
            raise ValueError(f"pool must be None or 'mean', got {pool!r}")
        shape = {**ITERATION_3, **(architecture or {})}
        self.architecture = dict(shape, num_categories=num_categories)
        self.patch_size = shape.pop('patch_size')
        width, bias = shape.pop('patch_channels'), shape.pop('patch_bias')
        embed_dims = self.out_channels = shape['embed_dims']
        self.pool = pool
        self.waveform_in = waveform_in
        self.patch_embedding = nn.Conv2d(
            1, width, self.patch_size, self.patch_size, bias=bias
        )
        self.layer_norm = nn.LayerNorm(width)
        self.post_extract_proj = (
            nn.Linear(width, embed_dims)
            if width != embed_dims
            else nn.Identity()
        )
        self.encoder = BEATsEncoder(**shape)
        self.predictor = None
        if num_categories is not None:
            self.predictor = nn.Linear(embed_dims, num_categories)
        self.freeze()

    def encode(self, audio: Tensor) -> Tensor:
        """Encode one piece of sound per frame.

        Args:
            audio (Tensor): (N, frames, 128) normalised filterbank from
                :func:`mmavs.audio.beats_fbank` (98 frames of 10 ms in a
                second), or with ``waveform_in`` (N, S) in [-1, 1] at 16 kHz.

        Returns:
            Tensor: (N, L, embed_dims) tokens, or their mean (N, embed_dims).

        Raises:
            ValueError: The sound is shorter than one patch.
        """
        tokens = self.tokens(audio)
        return tokens.mean(dim=1) if self.pool == 'mean' else tokens

    def tokens(
        self, audio: Tensor, padding: Optional[Tensor] = None
    ) -> Tensor:
        """As :meth:`encode`, never pooled, and sound may be padded.

        Args:
            audio (Tensor): As for :meth:`encode`.
            padding (Tensor, optional): (N, S) bool, True for samples that
                are padding.

        Returns:
            Tensor: (N, L, embed_dims), L = (frames // 16) * 8.
        """
        return self._tokens(audio, padding)[0]

    def categories(
        self, audio: Tensor, padding: Optional[Tensor] = None
    ) -> Tensor:
        """Probabilities of a fine-tuned file's categories.

        Args:
            audio (Tensor): As for :meth:`encode`.
            padding (Tensor, optional): As for :meth:`tokens`.

        Returns:
            Tensor: (N, num_categories) in 0..1: the sigmoid of the mean of
            the logits of all tokens that are not padding.

        Raises:
            RuntimeError: The encoder was built without ``num_categories``.
        """
        if self.predictor is None:
            raise RuntimeError(
                'this BEATs has no classifier. Fix: num_categories=527 and '
                'a fine-tuned file.'
            )
        with self.recording():
            tokens, padded = self._tokens(audio, padding)
            logits = self.predictor(tokens)  # (N, L, num_categories)
            if padded is None:
                return logits.mean(dim=1).sigmoid()
            kept = (~padded).unsqueeze(-1)
            return ((logits * kept).sum(1) / kept.sum(1)).sigmoid()

    def _tokens(self, audio: Tensor, padding: Optional[Tensor]) -> tuple:
        """Tokens (N, L, C) and their padding (N, L) bool or None."""
        with self.recording():
            fbank = fbank_of_segments(audio) if self.waveform_in else audio
            if fbank.shape[1] < self.patch_size:
                window = WINDOW_LENGTH + (self.patch_size - 1) * HOP_LENGTH
                raise ValueError(
                    f'sound of {fbank.shape[1]} filterbank frames is shorter '
                    f'than one analysis window of BEATs ({self.patch_size} '
                    f'frames, {window} samples at 16 kHz)'
                )
            patches = self.patch_embedding(fbank.unsqueeze(1))
            bands = patches.shape[-1]
            # (N, L, patch_channels)
            patches = self.layer_norm(patches.flatten(2).transpose(1, 2))
            if padding is not None:
                padding = self._pad_tokens(padding, fbank.shape[1], bands)
            x = self.post_extract_proj(patches)  # (N, L, embed_dims)
            return self.encoder(x, padding), padding

    def _pad_tokens(
        self, padding: Tensor, num_frames: int, bands: int
    ) -> Tensor:
        """Padding of samples (N, S) -> of tokens (N, L).

        As released, which counts tokens as if they were one-dimensional in
        time: in a partly padded row only the high bands are masked.
        """
        frames = _all_of(padding, num_frames)
        rows = num_frames // self.patch_size
        return _all_of(frames, rows * bands)

    def adapt(self, checkpoint: dict) -> Dict[str, Tensor]:
        """Turn a released file into this module's state dict.

        Args:
            checkpoint (dict): Of ``BEATs_iter3*.pt``, or of this module.

        Returns:
            dict[str, Tensor]: The weights.

        Raises:
            ValueError: The file's configuration differs from this encoder's,
                or its keys are not BEATs'.
        """
        if 'cfg' in checkpoint:
            theirs = beats.arguments(checkpoint['cfg'])
            if self.architecture['num_categories'] is None:
                theirs['num_categories'] = None
            _compare(self.architecture, theirs)
        weights = beats.convert_encoder(
            checkpoint.get('state_dict', checkpoint)
        )
        if self.architecture['num_categories'] is None:
            left_out = weights.pop('predictor.weight', None)
            weights.pop('predictor.bias', None)
            if left_out is not None:
                print_log(
                    f'BEATs: the classifier of {len(left_out)} categories in '
                    'the file is left out (num_categories=None)',
                    logger='current',
                )
        return weights


def _all_of(padding: Tensor, groups: int) -> Tensor:
    """(N, S) -> (N, groups): whether all of a group is padding.

    What remains after equal groups is dropped, as in the released code.
    """
    size = padding.shape[1] // groups
    return padding[:, : size * groups].unflatten(1, (groups, size)).all(dim=2)


def _compare(ours: dict, theirs: dict) -> None:
    """Name every argument in which a file differs from this encoder."""
    different = [
        f'{name}={theirs[name]!r} (not {value!r})'
        for name, value in ours.items()
        if theirs[name] != value
    ]
    if different:
        raise ValueError(
            'the file was made with another configuration: '
            + ', '.join(different)
        )
