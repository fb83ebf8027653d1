"""How long a training step takes on more GPUs: a model of it, in the open.

Every speed is an input. Nothing here knows a card or a cable.
"""

import math
from typing import NamedTuple


class Job(NamedTuple):
    """A training step of one GPU, alone.

    Attributes:
        clips (int): In its batch.
        compute (float): Seconds of forward, losses, backward and optimizer.
        parameters (int): Trained ones.
        gradient_bytes (int): Of one parameter's gradient, as it is sent.
        backward_share (float): Of ``compute``; what gradients can be sent
            during. A backward pass has about twice the operations of a
            forward pass.
        bucket_bytes (int): Of a bucket of gradients (DDP's
            ``bucket_cap_mb``).
        loader_rate (float): Clips per second that its workers load; infinite
            if nobody ever waits for them.
    """

    clips: int
    compute: float
    parameters: int
    gradient_bytes: int = 4
    backward_share: float = 2 / 3
    bucket_bytes: int = 25 * 2**20
    loader_rate: float = math.inf


class Cluster(NamedTuple):
    """What the GPUs are joined by.

    Attributes:
        link (float): Bytes per second from a GPU to the next one of its
            machine.
        node_link (float): Bytes per second from a machine to the next.
        gpus_per_node (int): GPUs of a machine.
        latency (float): Seconds until a message starts to arrive.
    """

    link: float
    node_link: float
    gpus_per_node: int = 8
    latency: float = 0.0


class Prediction(NamedTuple):
    """A training step on several GPUs.

    Attributes:
        gpus (int): How many.
        compute (float): Seconds, as on one.
        all_reduce (float): Seconds in which gradients are on their way.
        exposed (float): Those of them in which GPUs wait.
        loader (float): Seconds until the next batch is loaded, meanwhile.
        step (float): Seconds of the step.
        rate (float): Clips per second, of all GPUs.
        efficiency (float): ``rate`` over that of as many GPUs alone.
    """

    gpus: int
    compute: float
    all_reduce: float
    exposed: float
    loader: float
    step: float
    rate: float
    efficiency: float


def predict(job: Job, cluster: Cluster, gpus: int) -> Prediction:
    """Predict a step with as many clips on each GPU.

    A ring all-reduce sends ``2 (n - 1) / n`` of the gradients over its slowest
    link, in ``2 (n - 1)`` messages for each bucket. All buckets but the last
    are sent while the backward pass goes on; the last is complete when it
    ends. Loading goes on beside all that.

    Args:
        job (Job): One GPU's part.
        cluster (Cluster): The links.
        gpus (int): n.

    Returns:
        Prediction: For n GPUs.
    """
    sent = job.parameters * job.gradient_bytes
    buckets = max(1, math.ceil(sent / job.bucket_bytes))
    link = cluster.link
    if gpus > cluster.gpus_per_node:
        link = min(link, cluster.node_link)
    all_reduce = 0.0
    if gpus > 1:
        all_reduce = 2 * (gpus - 1) / gpus * sent / link
        all_reduce += 2 * (gpus - 1) * cluster.latency * buckets
    last = all_reduce / buckets
    hidden_in = job.compute * job.backward_share
    exposed = last + max(0.0, all_reduce - last - hidden_in)
    loader = job.clips / job.loader_rate
    step = max(job.compute + exposed, loader)
    alone = max(job.compute, loader)
    return Prediction(
        gpus=gpus,
        compute=job.compute,
        all_reduce=all_reduce,
        exposed=exposed,
        loader=loader,
        step=step,
        rate=gpus * job.clips / step,
        efficiency=alone / step,
    )
