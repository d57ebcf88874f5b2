"""The names of hasnet's own face detectors, known without importing one."""

from __future__ import annotations

EMBEDDED = "embedded"
INSIGHTFACE = "insightface"
OWN = (EMBEDDED, INSIGHTFACE)
