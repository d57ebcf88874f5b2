"""What a user may change about a look: colours of zones, palettes, mixtures, the background.

Pure functions of numbers and of references, and the grammar of each control. No network is here;
`avatar` asks these for what it hands to the networks.
"""
