"""Programs read: from what a watcher tells of a live one (:mod:`parity.run.told`) to a spec, never by a guess.

============== =====================================================================================================
``asking``     which program, run or loaded in a worker; or live objects of this process
``entries_of`` a part of a framework as the entry that it is: its table of native parts from right to left
``layers_of``  calls as the layers of a spec: names, edges, shared layers
``masks_of``   whether the same steps count
``rows_of``    arrays as a file of data, and the ``data`` and ``training`` sections
``said``       loss and optimizer that are given beside a program
``whole``      all of it: a spec, or what stands in the way, line by line
============== =====================================================================================================

What is no renaming a framework's folder knows, in ``reader.py``: :class:`~parity.reading.odd.Reader`.
"""
