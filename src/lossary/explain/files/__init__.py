"""Prediction files, read block by block as often as is needed: nothing need fit the memory."""
