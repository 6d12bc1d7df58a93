"""Data: named sources and users' files, preprocessed in float64 for every side alike.

``section.py`` says what a spec may ask for, ``sources/`` holds the named sets, ``reading.py`` reads .npz and .csv,
``refusing.py`` refuses faulty rows, ``loading.py`` puts it together and writes the same steps as NumPy source.
"""
