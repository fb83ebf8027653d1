# Small AVIS, stage 2: the sound chooses among what stage 1 found. Give the
# best checkpoint of avis_tiny_s4_stage1.py:
#   --cfg-options load_from=work_dirs/avis_tiny_s4_stage1/best_mIoU_....pth
# Without AVSC (the highest-scored object): model.decode_head.avsc=None.
_base_ = './avis_tiny_s4_stage1.py'
load_from = 'pretrained/avis_tiny_s4_stage1.pth'
load_audio = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', cache_dir='data/cache/log_mel'),
]
train_pipeline = [
    *load_audio,
    dict(type='PickFrame'),
    dict(type='ForEachFrame', transforms=_base_.load_frames),
    dict(type='PackAVSInputs'),
]
train_dataloader = dict(
    batch_size=64,  # frames
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)
auto_scale_lr = dict(base_batch_size=64)
model = dict(
    # learns its sounds here, where BEATs would come with AudioSet's
    audio_encoder=dict(_delete_=True, type='LogMelCNN', out_channels=128),
    decode_head=dict(
        avsc=dict(type='AVSC', audio_channels=128, hidden_channels=(64,)),
        loss_decode=dict(type='FrameBCELoss', loss_name='loss_avc'),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))  # the paper's, Section 4.1
custom_hooks = [
    dict(type='FreezeBackboneHook', num_epochs=None, eval_mode=True)
]
max_epochs = 30  # only what listens is trained
train_cfg = dict(max_epochs=max_epochs, val_interval=10)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_epochs
