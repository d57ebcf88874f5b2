"""Topology made explicit: the shape of faces and domains, the warp, zones and where colours lie.

Pure functions of numbers (numpy and OpenCV), each module named after its formula. Points are
(468, 3) in fractions of the frame, as `face.types.FaceMesh` has them.
"""
