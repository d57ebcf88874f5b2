"""Which domain a picture looks like: logistic regression on VGG features of training faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

_DECAY = 1e-2
_STEPS = 60


@dataclass(frozen=True, eq=False)
class DomainClassifier:
    """A linear classifier of features.

    Attributes:
        names: of the domains.
        mean, deviation: (D,), what features are brought to 0 and 1 by.
        weights: (D + 1, domains), the last row is the bias.
    """

    names: tuple[str, ...]
    mean: NDArray
    deviation: NDArray
    weights: NDArray

    def domains(self, features: NDArray) -> list[str]:
        """The domain of each of (N, D)."""
        return [self.names[i] for i in self.chances(features).argmax(1)]

    def chances(self, features: NDArray) -> NDArray:
        """How likely each domain is, (N, domains), rows summing to 1."""
        scaled = (np.asarray(features, np.float64) - self.mean) / self.deviation
        logits = scaled @ self.weights[:-1] + self.weights[-1]
        shares = np.exp(logits - logits.max(1, keepdims=True))
        return shares / shares.sum(1, keepdims=True)


def fit(features: dict[str, NDArray]) -> DomainClassifier:
    """Fit by L-BFGS from zero, so that nothing is drawn; every domain weighs the same.

    Args:
        features: (N, D) by domain, at least two domains.
    """
    names = tuple(sorted(features))
    x = np.concatenate([features[name] for name in names]).astype(np.float64)
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    counts = [len(features[name]) for name in names]
    labels = torch.from_numpy(np.repeat(np.arange(len(names)), counts))
    scaled = torch.from_numpy(np.column_stack([(x - mean) / deviation, np.ones(len(x))]))
    share = torch.tensor([1 / (len(names) * count) for count in counts], dtype=torch.float64)
    weights = torch.zeros(scaled.shape[1], len(names), dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([weights], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        solver.zero_grad()
        each = F.cross_entropy(scaled @ weights, labels, reduction="none")
        loss = (each * share[labels]).sum() + _DECAY * weights[:-1].square().sum()
        loss.backward()
        return loss

    solver.step(closure)
    return DomainClassifier(names, mean, deviation, weights.detach().numpy())


def accuracy(classifier: DomainClassifier, features: dict[str, NDArray]) -> dict[str, float]:
    """The share of each domain's (N, D) that is told rightly."""
    return {
        name: float(np.mean([found == name for found in classifier.domains(own)]))
        for name, own in features.items()
        if len(own)
    }
