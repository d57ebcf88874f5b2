"""Numbers of 16 bits are widened exactly."""

import numpy as np
import pytest

from hasnet_models.weights.half import as_float32

ALL = np.arange(2**16, dtype=np.uint16).view(np.float16)


@pytest.mark.parametrize("values", [ALL, ALL[np.isfinite(ALL)]])
def test_every_number_is_itself(values):
    found = as_float32(values)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.view(np.uint32), values.astype(np.float32).view(np.uint32))


@pytest.mark.parametrize("shape", [(), (0,), (2, 3, 1)])
def test_the_shape_stays(shape):
    given = np.full(shape, -0.1, np.float16)
    found = as_float32(given)
    assert isinstance(found, np.ndarray) and found.shape == shape
    assert (found == np.float32(np.float16(-0.1))).all() and (given == np.float16(-0.1)).all()


def test_what_does_not_lie_in_one_piece_is_widened():
    given = ALL.reshape(256, 256).T[::3]
    np.testing.assert_array_equal(as_float32(given), given.astype(np.float32))


@pytest.mark.parametrize("kind", [">f2", np.float32, np.float64])
def test_other_floating_numbers_are_cast(kind):
    given = np.array([0.1, -2.5, 3e-6], kind)
    np.testing.assert_array_equal(as_float32(given), given.astype(np.float32))
