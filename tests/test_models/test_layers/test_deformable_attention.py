import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import MultiScaleDeformableAttention as MMCVAttention

from mmavs.models.layers import sample_table
from mmavs.models.layers.deformable_attention import (
    MultiScaleDeformableAttention,
    sum_samples,
)
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    recipe_state_dict,
)

SHAPES = [(8, 8), (4, 4), (2, 2)]


def released(name):
    return torch.from_numpy(load_arrays('avsegformer_units')[name])


def by_grid_sample(value, shapes, points, weights):
    """Read every point with grid_sample, one scale and head at a time."""
    num_frames, _, num_heads, _ = value.shape
    output = []
    for head in range(num_heads):
        total, start = 0, 0
        for level, (height, width) in enumerate(shapes):
            pixels = value[:, start : start + height * width, head]
            pixels = pixels.transpose(1, 2).unflatten(-1, (height, width))
            grid = 2 * points[:, :, head, level] - 1
            samples = F.grid_sample(pixels, grid, align_corners=False)
            total = total + (samples * weights[:, None, :, head, level]).sum(3)
            start += height * width
        output.append(total.transpose(1, 2))
    return torch.cat(output, dim=-1)


def golden_module():
    recipe = load_json('avsegformer_units_recipes')['msda']
    module = MultiScaleDeformableAttention(32, 4, 3, 4)
    module.load_state_dict(recipe_state_dict(recipe))
    return module


def test_equals_released_code():
    module = golden_module()
    query, value, ref = (
        released(f'msda_{name}') for name in ('q', 'v', 'ref')
    )
    output = module(query, value, ref, SHAPES)
    assert_close(output, released('msda_out').numpy())
    # The shapes may come as a tensor too.
    assert torch.equal(output, module(query, value, ref, torch.tensor(SHAPES)))


def test_padded_pixels_read_as_zero():
    module = golden_module()
    mask = torch.zeros(2, 84, dtype=torch.bool)
    mask[1, 70:] = True
    query, value, ref = (
        released(f'msda_{name}') for name in ('q', 'v', 'ref')
    )
    output = module(query, value, ref, SHAPES, padding_mask=mask)
    assert_close(output, released('msda_out_padmask_b1_from70').numpy())


def test_starts_as_released_code():
    bias = load_json('avsegformer_units')['msda_init_sampling_offsets_bias']
    module = MultiScaleDeformableAttention(32, 4, 3, 4)
    torch.testing.assert_close(
        module.sampling_offsets.bias, torch.tensor(bias)
    )
    assert not module.sampling_offsets.weight.any()
    assert not module.attention_weights.weight.any()


def test_keys_are_those_of_mmcv():
    ours = MultiScaleDeformableAttention(64, 8, 3, 4).state_dict()
    theirs = MMCVAttention(64, 8, 3, 4).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {
        k: v.shape for k, v in theirs.items()
    }


def test_hand_computed_sample():
    """One head reads 3/4 of pixel 0 and 1/4 of pixel 1, weight 2."""
    value = torch.tensor([4.0, 8.0, 100.0, 100.0]).view(1, 4, 1, 1)
    x = (0.5 + 0.25) / 2  # a quarter of a pixel right of pixel 0's centre
    points = torch.tensor([x, 0.25]).view(1, 1, 1, 1, 1, 2)
    weights = torch.full((1, 1, 1, 1, 1), 2.0)
    output = sum_samples(value, [(2, 2)], points, weights)
    assert output.item() == pytest.approx(2 * (0.75 * 4 + 0.25 * 8))


def test_outside_reads_zero():
    value = torch.ones(1, 4, 1, 1)
    far = torch.tensor([[-0.25, 0.25], [0.25, 5.0], [0.0, 0.25]])
    points = far.view(1, 3, 1, 1, 1, 2)
    output = sum_samples(
        value, [(2, 2)], points, torch.ones(1, 3, 1, 1, 1)
    ).flatten()
    # The last point stands half a pixel outside: half of a pixel is left.
    assert output.tolist() == [0, 0, 0.5]


@pytest.mark.parametrize('block', [64, 2**22, None])
def test_values_and_gradients_equal_grid_sample(monkeypatch, block):
    if block:  # what a GPU does without Triton, and half precision
        monkeypatch.setattr(sample_table, 'BLOCK_ELEMENTS', block)
        monkeypatch.setattr(sample_table, '_OF_SCIPY', ())
    shapes = [(5, 7), (3, 4)]
    value = torch.randn(2, 47, 3, 4, dtype=torch.double, requires_grad=True)
    points = torch.rand(2, 6, 3, 2, 4, 2, dtype=torch.double) * 1.6 - 0.3
    points.requires_grad_()
    weights = torch.rand(2, 6, 3, 2, 4, dtype=torch.double)
    weights.requires_grad_()
    leaves = (value, points, weights)
    ours = sum_samples(value, shapes, points, weights)
    oracle = by_grid_sample(value, shapes, points, weights)
    torch.testing.assert_close(ours, oracle)
    weighting = torch.randn_like(ours)
    for got, expected in zip(
        torch.autograd.grad((ours * weighting).sum(), leaves),
        torch.autograd.grad((oracle * weighting).sum(), leaves),
    ):
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_both_ways_to_scatter_give_the_same_bits(monkeypatch, dtype):
    index = torch.randint(0, 40, (30, 12), dtype=torch.int32)
    shares, grad = torch.rand(30, 12).to(dtype), torch.randn(30, 5).to(dtype)
    scattered = sample_table._scatter(index, shares, grad, 41)
    assert scattered.dtype == dtype and not scattered[40].any()
    monkeypatch.setattr(sample_table, '_OF_SCIPY', ())
    monkeypatch.setattr(sample_table, 'BLOCK_ELEMENTS', 64)  # a bag each
    slowly = sample_table._scatter(index, shares, grad, 41)
    assert scattered.equal(slowly)


def test_gradients_by_finite_differences():
    value = torch.randn(1, 10, 2, 3, dtype=torch.double, requires_grad=True)
    # Points off the grid lines, where a bilinear sample has a corner.
    points = torch.tensor([0.03, 0.31, 0.58, 0.9, 1.2, -0.2]).double()
    points = points.view(1, 1, 1, 1, 3, 2).repeat(1, 2, 2, 2, 1, 1)
    points.requires_grad_()
    weights = torch.rand(1, 2, 2, 2, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda v, p, w: sum_samples(v, [(2, 3), (2, 2)], p, w),
        (value, points, weights),
    )


@pytest.mark.parametrize(
    'dtype, bound', [(torch.bfloat16, 0.02), (torch.float16, 0.003)]
)
def test_half_precision(dtype, bound):
    """As near to float32 as rounding weights and inputs allows."""
    shapes = [(64, 64), (32, 32)]
    pixels = sum(h * w for h, w in shapes)
    module = MultiScaleDeformableAttention(32, 4, 2, 4)
    query, value = torch.randn(2, 1, pixels, 32).unbind()
    ref = torch.rand(1, pixels, 2, 2)
    expected = module(query, value, ref, shapes)
    module.to(dtype)
    output = module(query.to(dtype), value.to(dtype), ref, shapes)
    assert output.dtype == dtype
    error = (output - expected).norm() / expected.norm()
    assert error < bound
    output.sum().backward()
    assert module.value_proj.weight.grad.isfinite().all()


def test_autocast_on_cpu():
    module = MultiScaleDeformableAttention(32, 4, 3, 4)
    query, value = torch.randn(2, 2, 84, 32).unbind()
    ref = torch.rand(1, 84, 3, 2)
    expected = module(query, value, ref, SHAPES)
    with torch.autocast('cpu', torch.bfloat16):
        output = module(query, value, ref, SHAPES)
    assert (output - expected).norm() / expected.norm() < 0.02


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('dtype', [torch.float, torch.bfloat16, torch.half])
def test_gpu_equals_cpu(dtype):
    module = golden_module()
    inputs = [released(f'msda_{name}') for name in ('q', 'v', 'ref')]
    expected = module(*inputs, SHAPES)
    module.cuda().to(dtype)
    query, value, ref = (tensor.cuda() for tensor in inputs)
    output = module(query.to(dtype), value.to(dtype), ref, SHAPES).cpu()
    bound = 1e-5 if dtype is torch.float else 0.03
    assert (output - expected).norm() / expected.norm() < bound


def test_compiled_it_is_one_graph_that_reads_by_the_table():
    module = golden_module()
    inputs = [released(f'msda_{name}') for name in ('q', 'v', 'ref')]
    graphs = []

    def keep(graph, _):
        graphs.append(graph)
        return graph

    compiled = torch.compile(module, backend=keep, fullgraph=True)
    with torch.no_grad():
        wanted, found = (each(*inputs, SHAPES) for each in (module, compiled))
    torch.testing.assert_close(found, wanted)
    (graph,) = graphs
    called = [str(node.target) for node in graph.graph.nodes]
    assert 'mmavs.sum_samples_by_table.default' in called


def test_the_operator_of_compilers_has_the_shape_that_it_says():
    inputs = (
        torch.randn(2, 84, 4, 8),
        torch.rand(2, 5, 4, 3, 4, 2),
        torch.rand(2, 5, 4, 3, 4),
        [size for shape in SHAPES for size in shape],
    )
    torch.library.opcheck(sample_table.sum_by_table, inputs)


def test_every_parameter_learns():
    module = MultiScaleDeformableAttention(16, 2, 3, 2)
    query, value = torch.randn(2, 2, 84, 16).unbind()
    pos = torch.randn(1, 84, 16)
    ref = torch.rand(1, 84, 3, 2)
    weighting = torch.randn(2, 84, 16)
    check_gradients(
        module,
        lambda: (module(query, value, ref, SHAPES, pos) * weighting).sum(),
    )


def test_position_is_added_to_the_query_alone():
    module = golden_module()
    query, value, ref = (
        released(f'msda_{name}') for name in ('q', 'v', 'ref')
    )
    pos = torch.randn(1, 84, 32)
    torch.testing.assert_close(
        module(query, value, ref, SHAPES, query_pos=pos),
        module(query + pos, value, ref, SHAPES),
    )


def test_second_head_of_eight_looks_along_the_diagonal():
    module = MultiScaleDeformableAttention(32, 8, 1, 2)
    points = module.sampling_offsets.bias.view(8, 2, 2)[1].flatten()
    assert points.tolist() == pytest.approx([1, 1, 2, 2])


def test_errors_name_what_does_not_fit():
    with pytest.raises(ValueError, match='embed_dims=30.*num_heads=8'):
        MultiScaleDeformableAttention(30, 8)
    module = MultiScaleDeformableAttention(16, 2, 3, 2)
    tokens = torch.zeros(1, 84, 16)
    ref = torch.zeros(1, 84, 3, 2)
    with pytest.raises(ValueError, match='built for 3 levels and got 2'):
        module(tokens, tokens, ref, SHAPES[:2])
    with pytest.raises(ValueError, match='83 values do not fill'):
        module(tokens, tokens[:, 1:], ref, SHAPES)
    with pytest.raises(ValueError, match='reference points must be'):
        module(tokens, tokens, ref[:, :, :2], SHAPES)
