"""The segmentor: flattening, pairing, losses, geometry, foreign parts."""

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule

from mmavs.models import AVSDecodeHead, AVSegmentor
from mmavs.registry import MODELS
from mmavs.structures import AVHeadOutput, AVSDataSample, FramePixelData


@MODELS.register_module(force=True)
class _PixelBackbone(BaseModule):
    """Passes frames on at stride 1, so that every value can be followed."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, imgs):
        return (imgs * self.scale,)


@MODELS.register_module(force=True)
class _MeanAudio(BaseModule):
    out_channels = 1

    def forward(self, audio):
        return audio.flatten(1).mean(1, keepdim=True)


@MODELS.register_module(force=True)
class _AddSoundHead(AVSDecodeHead):
    """logit = first channel + sound of the same frame."""

    def forward(self, features):
        sound = features.audio[:, :, None, None]
        return AVHeadOutput(features.visual[0][:, :1] + sound, features)


@MODELS.register_module(force=True)
class _MeanLoss(BaseModule):
    loss_name = 'loss_mean'

    def forward(self, logits, target, ignore_index=255):
        return logits.sum() / max(1, logits.numel())


@MODELS.register_module(force=True)
class _CountFrames(BaseModule):
    def forward(self, features, logits, labels):
        return {'loss_count': logits.new_tensor(float(features.num_frames))}


@MODELS.register_module(force=True)
class _Double(BaseModule):
    def forward(self, features):
        return features._replace(visual=(features.visual[0] * 2,))


@MODELS.register_module(force=True)
class _MeanMap(BaseModule):
    def __init__(self, name):
        super().__init__()
        self.name = f'loss_{name}'

    def forward(self, features, logits, labels):
        return {self.name: features.visual[0].mean()}


def build(**changes):
    config = dict(
        type='AVSegmentor',
        backbone=dict(type='_PixelBackbone'),
        audio_encoder=dict(type='_MeanAudio'),
        decode_head=dict(
            type='_AddSoundHead', loss_decode=dict(type='_MeanLoss')
        ),
        test_cfg=dict(eval_size='original'),
    )
    config.update(changes)
    return MODELS.build(config)


def sample(num_frames=2, size=(2, 2), labeled=(0,), **meta):
    meta = dict(
        dict(
            clip_id='c',
            num_frames=num_frames,
            img_path=['p'] * num_frames,
            labeled_frames=list(labeled),
            img_shape=size,
            ori_shape=size,
        ),
        **meta,
    )
    result = AVSDataSample(metainfo=meta)
    result.gt_sem_seg = FramePixelData(
        data=torch.zeros(num_frames, 1, *size, dtype=torch.long)
    )
    return result


def inputs(clips=2, num_frames=2, size=(2, 2)):
    imgs = torch.zeros(clips, num_frames, 3, *size)
    audio = torch.arange(1.0, clips * num_frames + 1)
    return dict(imgs=imgs, audio=audio.view(clips, num_frames, 1))


def test_frame_n_hears_second_n():
    """n = b*T + t on both sides."""
    logits = build()(inputs(), mode='tensor')
    assert logits[:, 0, 0, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_only_labelled_frames_are_supervised():
    samples = [sample(labeled=(0,)), sample(labeled=(0, 1))]
    losses = build().loss(inputs(), samples)
    assert losses['decode.loss_mean'].item() == pytest.approx((1 + 3 + 4) / 3)


def test_no_labelled_frame_gives_zero_with_a_graph():
    losses = build().loss(inputs(1), [sample(labeled=())])
    (value,) = losses.values()
    value.backward()
    assert value.item() == 0


def test_batches_without_labels_are_announced_once(caplog):
    model = build()
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    model.loss(inputs(), [sample(labeled=()), sample(labeled=(0,))])
    assert not caplog.records
    for _ in range(2):
        model.loss(inputs(1), [sample(labeled=())])
    logger.removeHandler(caplog.handler)
    (message,) = [record.getMessage() for record in caplog.records]
    assert 'no frame of a batch is labelled' in message and 'Fix' in message


def test_auxiliary_losses_get_frames_and_their_names_are_kept():
    aux = dict(type='_CountFrames', features='head')
    losses = build(auxiliary_losses=[aux]).loss(inputs(1), [sample()])
    assert losses['loss_count'].item() == 2
    with pytest.raises(ValueError, match='share the name'):
        build(auxiliary_losses=[aux, aux]).loss(inputs(1), [sample()])
    with pytest.raises(ValueError, match="neck.*head.*'tail'"):
        build(auxiliary_losses=[dict(aux, features='tail')])


def test_auxiliary_losses_choose_the_neck_they_look_behind():
    stages = {'first': 'neck.0', 'second': 'neck.1', 'last': 'neck'}
    model = build(
        neck=[dict(type='_Double'), dict(type='_Double')],
        auxiliary_losses=[
            dict(type='_MeanMap', name=name, features=stage)
            for name, stage in stages.items()
        ],
    )
    data = inputs(1)
    losses = model.loss(data, [sample()])
    mean = model.backbone(data['imgs'].flatten(0, 1))[0].mean()
    for name, factor in dict(first=2, second=4, last=4).items():
        torch.testing.assert_close(losses[f'loss_{name}'], factor * mean)
    with pytest.raises(ValueError, match="'neck.1' in a model of 0 necks"):
        build(auxiliary_losses=[dict(type='_CountFrames', features='neck.1')])


def test_other_number_of_seconds_is_refused():
    data = inputs(1)
    data['audio'] = torch.zeros(1, 5, 1)
    with pytest.raises(ValueError, match='2 frames came with 5 seconds'):
        build()(data)
    del data['audio']
    with pytest.raises(ValueError, match='holds no "audio".*LoadAudio'):
        build()(data)


def test_prediction_undoes_padding_flip_and_scale():
    """Logits rise to the right; after the flip they fall."""
    model = build().eval()
    imgs = torch.zeros(1, 1, 3, 4, 4)
    imgs[..., 1] = 4.0
    imgs[..., 2:] = 100.0  # padding
    data = dict(imgs=imgs, audio=torch.full((1, 1, 1), -2.0))
    meta = dict(
        num_frames=1,
        img_shape=(4, 2),
        ori_shape=(8, 4),
        flip=True,
        flip_direction='horizontal',
    )
    with torch.no_grad():
        (result,) = model.predict(data, [sample(size=(8, 4), **meta)])
    mask = result.pred_sem_seg.data
    assert mask.shape == (1, 1, 8, 4)
    assert mask[0, 0, 0].tolist() == [1, 1, 0, 0]
    assert result.seg_logits.data[0, 0, 0, 0] == pytest.approx(2.0)


def test_eval_size_input_and_padded_frames():
    model = build(test_cfg=dict(eval_size='input')).eval()
    (result,) = model.predict(inputs(1), [sample(1, (2, 2), ori_shape=(9, 9))])
    assert result.pred_sem_seg.data.shape == (1, 1, 2, 2)
    with pytest.raises(ValueError, match="'input' or 'original', got 'big'"):
        build(test_cfg=dict(eval_size='big'))


def test_coarse_logits_are_the_heads_without_padding():
    """What the head gives on 4 x 4 of which 4 x 2 is picture."""
    masks = []
    for keep in (True, 'coarse'):
        model = build(test_cfg=dict(keep_logits=keep)).eval()
        data = inputs(1, size=(4, 4))
        data['imgs'][..., 1] = -9.0
        data['imgs'][..., 2:] = 100.0  # padding
        meta = dict(img_shape=(4, 2), ori_shape=(8, 4))
        with torch.no_grad():
            (found,) = model.predict(data, [sample(size=(8, 4), **meta)])
        masks.append(found.pred_sem_seg.data)
    # the sound of frames 0 and 1 is 1 and 2
    for t, logits in enumerate(found.seg_logits.data):
        assert logits.tolist() == [[[t + 1.0, t - 8.0]] * 4]
    assert torch.equal(*masks) and masks[0].shape == (2, 1, 8, 4)


def test_many_classes_drop_their_logits_unless_asked():
    head = dict(
        type='FCNHead',
        in_channels=3,
        channels=4,
        num_convs=1,
        in_index=0,
        num_classes=5,
        norm_cfg=dict(type='BN'),
    )
    for keep, there in ((None, False), (True, True)):
        model = build(
            decode_head=head,
            audio_encoder=None,
            test_cfg=dict(keep_logits=keep),
        ).eval()
        (result,) = model.predict(inputs(1), [sample()])
        assert ('seg_logits' in result) is there
        assert int(result.pred_sem_seg.data.max()) < 5


def test_checkpoint_of_another_model_is_refused(tmp_path):
    from mmengine.runner import load_checkpoint

    from mmavs.weights.checkpoint import load_model_weights

    model = build()
    path = str(tmp_path / 'other.pth')
    torch.save(dict(state_dict={'stem.weight': torch.ones(3)}), path)
    for load in (load_checkpoint, load_model_weights):
        with pytest.raises(RuntimeError, match='(?s)another model.*scale'):
            load(model, path)
    torch.save(
        dict(state_dict={'backbone.scale': torch.full((1,), 3.0)}), path
    )
    load_model_weights(model, path)
    assert model.backbone.scale.item() == 3.0
    assert isinstance(model, AVSegmentor)
