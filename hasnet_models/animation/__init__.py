"""A finished avatar as a short seamless loop: a blink, a turn of the head, a morph from the photo.

`scene` is what moves, `blinking`, `turning` and `morphing` give its frames, `kinds` lists them,
`writing` puts frames into a file. What is warped is the avatar as it was drawn, so its strokes and
its grain travel with the face.
"""
