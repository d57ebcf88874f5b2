"""Faces: find them, choose among them, cut one out, put it back.

`choice` is what the user asks for, `search` finds it in a photo with a detector (`centerface`,
`insightface_backend`, a plugin's), `align` is the geometry, `paste` the way back. Importing this
package loads nothing.
"""
