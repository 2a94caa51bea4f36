"""What every command shares: languages, layout, Ctrl-C, missing extras, files written whole.

Nothing here is heavy: rich and matplotlib are imported where they are used.
"""
