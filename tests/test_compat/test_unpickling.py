"""Only names on the list are answered."""

import builtins
import io
import pickle
from decimal import Decimal

import pytest
import torch

from mmavs.compat.unpickling import RestrictedUnpickler, load_storage


def test_tensors_are_on_the_list_and_others_can_be_put_there():
    value = [torch.arange(3), Decimal('0.5')]
    data = pickle.dumps(value)
    with pytest.raises(pickle.UnpicklingError, match='refused.*Decimal'):
        RestrictedUnpickler(io.BytesIO(data)).load()
    known = {('decimal', 'Decimal'): Decimal}
    tensor, number = RestrictedUnpickler(io.BytesIO(data), known).load()
    assert tensor.tolist() == [0, 1, 2] and number == Decimal('0.5')


@pytest.mark.parametrize('protocol', range(5))
def test_tensors_of_every_protocol(protocol):
    tensor = torch.arange(6.0).reshape(2, 3)
    data = pickle.dumps(tensor, protocol)
    assert torch.equal(RestrictedUnpickler(io.BytesIO(data)).load(), tensor)


def test_names_given_to_one_stay_with_it():
    known = {('builtins', 'eval'): builtins.eval}
    data = pickle.dumps(eval)
    assert RestrictedUnpickler(io.BytesIO(data), known).load() is eval
    with pytest.raises(pickle.UnpicklingError, match='builtins.eval'):
        RestrictedUnpickler(io.BytesIO(data)).load()


def test_storage_holds_tensors_alone():
    file = io.BytesIO()
    torch.save(dict(a=torch.ones(2)), file)
    assert load_storage(file.getvalue())['a'].tolist() == [1, 1]
    file = io.BytesIO()
    torch.save([eval], file)
    with pytest.raises(pickle.UnpicklingError, match='more than tensors'):
        load_storage(file.getvalue())


def test_tensors_lie_inside_their_data():
    """Where the shape asks for more, torch would make numbers up."""
    tensor = torch.arange(6.0)
    make, (storage, offset, *_), *_ = tensor.__reduce_ex__(2)

    class Wide:
        def __init__(self, *place):
            self.place = place

        def __reduce__(self):
            return make, (storage, *self.place, False, {})

    def read(*place):
        return RestrictedUnpickler(
            io.BytesIO(pickle.dumps(Wide(*place)))
        ).load()

    assert read(2, (2, 2), (2, 1)).tolist() == [[2, 3], [4, 5]]
    assert read(6, (0, 5), (5, 1)).numel() == 0
    for place in ((3, (2, 2), (2, 1)), (0, (7,), (1,)), (0, (2,), (-1,))):
        with pytest.raises(pickle.UnpicklingError, match='in 6 numbers'):
            read(*place)
