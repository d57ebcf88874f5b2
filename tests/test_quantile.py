"""Quantiles as numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from hasnet_models.quantile import quantile


@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (8,), (5, 3), (1, 2, 2), (64, 4)])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_numpys(shape, share, dtype):
    values = np.random.default_rng(len(shape)).normal(size=shape).astype(dtype)
    given = values.copy()
    found = quantile(values, share)
    assert found.dtype == np.float64 and found.shape == shape[1:]
    np.testing.assert_allclose(found, np.quantile(values, share, axis=0), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(values, given)
