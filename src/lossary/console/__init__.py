"""What every command shares: languages, refusals, layout, Ctrl-C, missing extras, whole files.

Nothing here is heavy: rich and matplotlib are imported where they are used.
"""
