"""Verb: Graph -> the same Graph with derivative nodes appended.

``tensors.py`` turns requests into named arrays of nodes with the sweeps of ``forward.py`` and
``reverse.py``; both read the same rows through ``local.py``.
"""
