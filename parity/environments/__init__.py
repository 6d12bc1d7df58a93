"""Versions of packages as environments: made once with uv, kept in the user's cache, shared by all specs.

============== =======================================================================================
module         what it does
============== =======================================================================================
``wanted``     which environment a side asks for, and where it lies; nothing is looked at for that
``building``   makes one: an overlay of one pure-Python package, or a whole one
``shelf``      what is kept: shown, emptied, held to its size
``releases``   which releases of a package there are
============== =======================================================================================
"""
