"""Time and memory of this installation, for `hasnet bench` and the scripts in tools/.

`clock` times calls, `processes` whole programs, `parts` the steps of an avatar, `batches` many
photos, `palettes` our palette beside ColorThief's. A busy machine changes seconds, less so ratios
of what is timed in turn.
"""
