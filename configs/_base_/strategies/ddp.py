# One copy of the model on each GPU. Gradients leave in buckets while the
# backward pass goes on; they are parts of the buckets, which spares a copy.
# static_graph: every step uses the same parameters, as all models here do, so
# that unused ones are looked for once, and checkpointed layers may be shared.
model_wrapper_cfg = dict(
    type='MMDistributedDataParallel',
    broadcast_buffers=False,
    bucket_cap_mb=25,
    gradient_as_bucket_view=True,
    static_graph=True,
)
