"""VGGish, the audio encoder of the AVSBench systems."""

from typing import Dict, Optional

from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.weights.released import vggish

from .pretrained_encoder import PretrainedAudioEncoder


@MODELS.register_module()
class VGGish(PretrainedAudioEncoder):
    """VGG-like network over log-mel examples, 72.14 M parameters.

    "CNN Architectures for Large-Scale Audio Classification",
    https://arxiv.org/abs/1609.09430, in the released form: configuration A of
    VGG with four pools and three fully connected layers, *each* followed by
    ReLU, the last too, so the embedding is not negative. The PCA and the
    8-bit quantisation that AudioSet applies afterwards are used by no
    audio-visual segmentation system and are left out.

    The released file ``vggish-10086976.pth`` loads as it is. An example of
    zeros (what stands for a missing second) does not give a zero embedding.

    Args:
        frozen (bool): Keep the weights, as all published systems do.
        init_cfg (dict, optional): See :class:`PretrainedAudioEncoder`.

    Attributes:
        out_channels (int): 128.
    """

    out_channels = 128

    def __init__(
        self, frozen: bool = True, init_cfg: Optional[dict] = None
    ) -> None:
        super().__init__(frozen, init_cfg)
        layers, in_channels = [], 1
        for width in (64, 'pool', 128, 'pool', 256, 256, 'pool', 512, 512):
            if width == 'pool':
                layers.append(nn.MaxPool2d(2))
                continue
            layers.append(nn.Conv2d(in_channels, width, 3, padding=1))
            layers.append(nn.ReLU(inplace=True))
            in_channels = width
        self.features = nn.Sequential(*layers, nn.MaxPool2d(2))
        self.embeddings = nn.Sequential(
            nn.Linear(512 * 6 * 4, 4096),  # 96 x 64 after four pools
            nn.ReLU(inplace=True),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, self.out_channels),
            nn.ReLU(inplace=True),
        )
        self.freeze()

    def encode(self, audio: Tensor) -> Tensor:
        """Encode log-mel examples.

        Args:
            audio (Tensor): (N, 1, 96, 64) log-mel (time, frequency) of
                0.96 s each, about -4.6 (silence) to 4, from
                :func:`mmavs.audio.vggish_log_mel`.

        Returns:
            Tensor: (N, 128), not negative.
        """
        maps = self.features(audio)
        # Channels last, as the weights come from TensorFlow.
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))

    def adapt(self, checkpoint: dict) -> Dict[str, Tensor]:
        """Turn the released file into this module's state dict.

        Args:
            checkpoint (dict): Of ``vggish-10086976.pth``, or of this module.

        Returns:
            dict[str, Tensor]: 18 tensors.

        Raises:
            ValueError: Keys that no VGGish has.
        """
        weights = checkpoint.get('state_dict', checkpoint)
        return vggish.convert_encoder(weights)
