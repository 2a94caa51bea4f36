"""The tour: the thread from a sigmoid to the mean squared error, computed live and explained.

Numbers come first (``results``, ``steps``, ``training``, ``repairs``); text, JSON and the page
only show them. This package imports nothing heavy until a tour is taken.
"""
