"""BEATs, a transformer pre-trained on AudioSet."""

from typing import Dict, Optional

from mmengine.logging import print_log
from torch import Tensor, nn

from mmavs.audio.fbank import HOP_LENGTH, WINDOW_LENGTH, fbank_of_segments
from mmavs.models.layers.beats_encoder import BEATsEncoder
from mmavs.registry import MODELS
from mmavs.weights.released import beats

from .pretrained_encoder import PretrainedAudioEncoder


@MODELS.register_module()
class BEATs(PretrainedAudioEncoder):
    """Tokens of sound from a filterbank, 90.31 M parameters.

    "BEATs: Audio Pre-Training with Acoustic Tokenizers",
    https://arxiv.org/abs/2212.09058, section 3.2. Patches of 16 x 16
    (160 ms x 16 bands) become tokens, time-major: token t * 8 + f. One second
    gives 48. The defaults are those of the released iteration-3 files, which
    load as they are; their own configuration is read and compared.

    Args:
        embed_dims (int): Width of a token. Defaults to 768.
        num_layers (int): Defaults to 12.
        num_heads (int): Defaults to 12.
        feedforward_channels (int): Defaults to 3072.
        patch_size (int): In frames and bands. Defaults to 16.
        patch_channels (int): Width of a patch before its projection to
            ``embed_dims``. Defaults to 512.
        patch_bias (bool): Bias of the patch convolution. Defaults to False.
        conv_position_kernel (int): Tokens that the convolutional positions
            see. Defaults to 128.
        conv_position_groups (int): Defaults to 16.
        num_buckets (int, optional): Of relative distances; None leaves the
            relative position bias out. Defaults to 320.
        max_distance (int): Largest distance told apart. Defaults to 800.
        gated (bool): Gate the relative position bias. Defaults to True.
        deep_norm (bool): Scale residuals (DeepNorm). Defaults to True.
        pre_norm (bool): Normalise before each block. Defaults to False.
        num_categories (int, optional): Build the classifier of a fine-tuned
            file (527 for AudioSet; 90.72 M in all) for :meth:`categories`.
            Without it, a fine-tuned file's classifier is left out, with a
            notice. Defaults to None.
        pool (str, optional): ``'mean'`` averages the tokens of a frame's
            sound. Defaults to None: tokens.
        waveform_in (bool): Take waveforms and compute the filterbank on the
            device. Defaults to False.
        token_padding (str): How a padding mask of samples becomes one of
            tokens: ``'released'`` (default) counts tokens as if they were
            one-dimensional in time, as the released code does, which in a
            partly padded row masks high bands only; ``'patches'`` masks a
            token if its whole patch is padding.
        drop_rate (float): Dropout. Defaults to 0, as in all released files.
        layer_drop_rate (float): Share of layers skipped in training. Defaults
            to 0; the release says 0.05, which needs
            ``find_unused_parameters`` in distributed training.
        gradient_decay_ratio (float): Share of the gradient that each layer
            passes down in training. Defaults to 0.6, as released.
        frozen (bool): Keep the weights. Defaults to True.
        init_cfg (dict, optional): See :class:`PretrainedAudioEncoder`.

    Attributes:
        out_channels (int): ``embed_dims``.

    Raises:
        ValueError: Unknown ``pool`` or ``token_padding``.
    """

    def __init__(
        self,
        embed_dims: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        feedforward_channels: int = 3072,
        patch_size: int = 16,
        patch_channels: int = 512,
        patch_bias: bool = False,
        conv_position_kernel: int = 128,
        conv_position_groups: int = 16,
        num_buckets: Optional[int] = 320,
        max_distance: int = 800,
        gated: bool = True,
        deep_norm: bool = True,
        pre_norm: bool = False,
        num_categories: Optional[int] = None,
        pool: Optional[str] = None,
        waveform_in: bool = False,
        token_padding: str = 'released',
        drop_rate: float = 0.0,
        layer_drop_rate: float = 0.0,
        gradient_decay_ratio: float = 0.6,
        frozen: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(frozen, init_cfg)
        if pool not in (None, 'mean'):
            raise ValueError(f"pool must be None or 'mean', got {pool!r}")
        if token_padding not in ('released', 'patches'):
            raise ValueError(
                "token_padding must be 'released' or 'patches', got "
                f'{token_padding!r}'
            )
        shape = dict(
            embed_dims=embed_dims,
            num_layers=num_layers,
            num_heads=num_heads,
            feedforward_channels=feedforward_channels,
            conv_position_kernel=conv_position_kernel,
            conv_position_groups=conv_position_groups,
            num_buckets=num_buckets,
            max_distance=max_distance,
            gated=gated and num_buckets is not None,
            deep_norm=deep_norm,
            pre_norm=pre_norm,
        )
        self.architecture = dict(
            shape,
            patch_size=patch_size,
            patch_channels=patch_channels,
            patch_bias=patch_bias,
            num_categories=num_categories,
        )
        self.out_channels = embed_dims
        self.pool = pool
        self.waveform_in = waveform_in
        self.token_padding = token_padding
        self.patch_size = patch_size
        self.patch_embedding = nn.Conv2d(
            1, patch_channels, patch_size, patch_size, bias=patch_bias
        )
        self.layer_norm = nn.LayerNorm(patch_channels)
        self.post_extract_proj = (
            nn.Linear(patch_channels, embed_dims)
            if patch_channels != embed_dims
            else nn.Identity()
        )
        self.encoder = BEATsEncoder(
            **shape,
            drop_rate=drop_rate,
            layer_drop_rate=layer_drop_rate,
            gradient_decay_ratio=gradient_decay_ratio,
        )
        if num_categories is not None:
            self.predictor = nn.Linear(embed_dims, num_categories)
        self.freeze()

    def encode(self, audio: Tensor) -> Tensor:
        """Encode one piece of sound a frame.

        Args:
            audio (Tensor): (N, frames, 128) normalised filterbank from
                :func:`mmavs.audio.beats_fbank` (98 frames of 10 ms a second),
                or with ``waveform_in`` (N, S) in [-1, 1] at 16 kHz.

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
            the logits of all tokens that are no padding.

        Raises:
            RuntimeError: The encoder was built without ``num_categories``.
        """
        if not hasattr(self, 'predictor'):
            raise RuntimeError(
                'this BEATs has no classifier. Fix: num_categories=527 and '
                'a fine-tuned file.'
            )
        with self.recording():
            tokens, padded = self._tokens(audio, padding)
            logits = self.predictor(tokens)
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
            patches = self.layer_norm(patches.flatten(2).transpose(1, 2))
            if padding is not None:
                padding = self._pad_tokens(padding, fbank.shape[1], bands)
            x = self.post_extract_proj(patches)
            return self.encoder(x, padding), padding

    def _pad_tokens(
        self, padding: Tensor, num_frames: int, bands: int
    ) -> Tensor:
        """Padding of samples (N, S) -> of tokens (N, L)."""
        frames = _all_of(padding, num_frames)
        rows = num_frames // self.patch_size
        if self.token_padding == 'released':
            return _all_of(frames, rows * bands)
        rows = _all_of(frames[:, : rows * self.patch_size], rows)
        return rows.repeat_interleave(bands, dim=1)

    def adapt(self, checkpoint: dict) -> Dict[str, Tensor]:
        """Turn a released file into this module's state dict.

        Args:
            checkpoint (dict): Of ``BEATs_iter3*.pt``, or of this module.

        Returns:
            dict[str, Tensor]: The weights.

        Raises:
            ValueError: The file's configuration differs from this encoder's,
                or its keys are no BEATs'.
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
