"""Data: named sources and users' files, preprocessed in float64 for every side alike.

``schema.py`` says what a spec may ask for, ``sources/`` holds the named sets, ``files.py`` reads .npz and .csv,
``check.py`` refuses faulty rows, ``load.py`` puts it together and writes the same steps as NumPy source.
"""
