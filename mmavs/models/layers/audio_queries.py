"""From the sound of a frame to the queries that look for its source."""

from torch import Tensor, nn

from .pyramid_encoder import feed_forward

GENERATORS = ('attention', 'repeat')


class AudioQueries(nn.Module):
    """Make Q queries of a frame's sound, plus what is learnt for all frames.

    The query generator and the learnable queries of "AVSegFormer",
    https://arxiv.org/abs/2307.01146, Section 3.3; their sum is what AVSAC
    (https://arxiv.org/abs/2402.02327, Section 3.1) calls F_a, "the
    integration of the learnable query and the audio query".

    Args:
        num_queries (int): Q.
        embed_dims (int): D.
        generator (str): 'attention', a small decoder whose queries attend to
            the sound, or 'repeat', the mean of the sound Q times.
        learnable (bool): Add queries that are learnt.
        num_layers (int): Layers of the 'attention' generator.
        num_heads (int): Its attention heads.
        ffn_channels (int): Its hidden width.

    Raises:
        ValueError: An unknown generator; with 'repeat' and without learnable
            queries all queries would be one.
    """

    def __init__(
        self,
        num_queries: int = 300,
        embed_dims: int = 256,
        generator: str = 'attention',
        learnable: bool = True,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 1024,
    ) -> None:
        super().__init__()
        if generator not in GENERATORS:
            raise ValueError(
                f'query_generator must be one of {GENERATORS}, '
                f'got {generator!r}'
            )
        if generator == 'repeat' and not learnable:
            raise ValueError(
                "query_generator='repeat' without learnable queries makes "
                f'all {num_queries} queries equal. Mend: '
                'learnable_queries=True'
            )
        self.num_queries = num_queries
        self.generator = None
        if generator == 'attention':
            self.generator = AttentionGenerator(
                num_queries, embed_dims, num_layers, num_heads, ffn_channels
            )
        self.learnable = None
        if learnable:
            self.learnable = nn.Embedding(num_queries, embed_dims)

    def forward(self, audio: Tensor) -> Tensor:
        """Make queries.

        Args:
            audio (Tensor): (N, L, D) tokens of each frame's sound.

        Returns:
            Tensor: (N, Q, D).
        """
        if self.generator is None:
            queries = audio.mean(1, keepdim=True)
            queries = queries.expand(-1, self.num_queries, -1)
        else:
            queries = self.generator(audio)
        if self.learnable is not None:
            queries = queries + self.learnable.weight
        return queries


class AttentionGenerator(nn.Module):
    """Queries that attend to each other and to the sound.

    With one token of sound (VGGish) the softmax over it is 1, so every query
    receives the same vector: the queries differ by what they start as.

    Args:
        num_queries (int): Q.
        embed_dims (int): D.
        num_layers (int): Layers.
        num_heads (int): Attention heads.
        ffn_channels (int): Hidden width.
    """

    def __init__(
        self,
        num_queries: int,
        embed_dims: int,
        num_layers: int,
        num_heads: int,
        ffn_channels: int,
    ) -> None:
        super().__init__()
        self.query = nn.Embedding(num_queries, embed_dims)
        self.layers = nn.ModuleList(
            _GeneratorLayer(embed_dims, num_heads, ffn_channels)
            for _ in range(num_layers)
        )

    def forward(self, audio: Tensor) -> Tensor:
        """(N, L, D) -> (N, Q, D)."""
        queries = self.query.weight.expand(len(audio), -1, -1)
        for layer in self.layers:
            queries = layer(queries, audio)
        return queries


class _GeneratorLayer(nn.Module):
    """Self-attention, attention to sound, feed-forward; post-norm."""

    def __init__(
        self, embed_dims: int, num_heads: int, ffn_channels: int
    ) -> None:
        super().__init__()
        self.self_attn, self.cross_attn = (
            nn.MultiheadAttention(
                embed_dims, num_heads, bias=False, batch_first=True
            )
            for _ in range(2)
        )
        self.ffn = feed_forward(embed_dims, ffn_channels, dropout=0.0)
        self.norm1 = nn.LayerNorm(embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.norm3 = nn.LayerNorm(embed_dims)

    def forward(self, queries: Tensor, audio: Tensor) -> Tensor:
        """Queries (N, Q, D) and sound (N, L, D) -> (N, Q, D)."""
        attended = self.self_attn(
            queries, queries, queries, need_weights=False
        )[0]
        queries = self.norm1(queries + attended)
        attended = self.cross_attn(queries, audio, audio, need_weights=False)[
            0
        ]
        queries = self.norm2(queries + attended)
        return self.norm3(queries + self.ffn(queries))
