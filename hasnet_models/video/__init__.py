"""Moving pictures: each frame an avatar, and what holds them together.

`reading` opens a clip, `tracking` follows its faces, `drawing` makes each frame's avatars with
what is fixed for a face, `steadying` calms them, `segments` keeps what is done, `writing` puts it
together, `run` brings all of them together; `flicker` measures. Importing this package loads no
torch and no PyAV.
"""
