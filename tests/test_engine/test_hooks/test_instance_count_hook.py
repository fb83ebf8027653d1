"""Stage 2 of AVIS says so when it finds nothing to choose from."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmavs.engine.hooks import InstanceCountHook
from mmavs.models.layers.avsc import Instances
from mmavs.structures import AVFeatures, AVHeadOutput


class Head(nn.Module):
    """Finds as many instances as it is told."""

    def __init__(self, avsc):
        super().__init__()
        self.avsc = avsc
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, found):
        valid = torch.tensor([[n < found for n in range(3)]])
        instances = Instances(None, None, None, valid)
        extras = dict(instances=instances)
        return AVHeadOutput(self.weight, AVFeatures(()), extras)


@pytest.mark.parametrize(
    'avsc, found, warns',
    [(True, (0, 0), True), (True, (0, 2), False), (None, (0, 0), False)],
)
def test_an_epoch_without_instances_warns(avsc, found, warns, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmavs.engine.hooks.instance_count_hook.print_log',
        lambda text, **_: said.append(text),
    )
    hook, head = InstanceCountHook(), Head(avsc)
    runner = SimpleNamespace(model=nn.ModuleDict(dict(decode_head=head)))
    for _ in range(2):  # nothing is kept from epoch to epoch
        said.clear()
        hook.before_train_epoch(runner)
        for number in found:
            head(number)
        hook.after_train_epoch(runner)
        assert ['AVSC learnt nothing' in text for text in said] == [
            True
        ] * warns
    assert not head._forward_hooks
