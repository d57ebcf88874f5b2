"""Training of RT-Net and TT-Net. It imports the networks; the networks never import it."""
