"""The eight steps of the thread, one file each: every figure's recipe, computed four ways."""
