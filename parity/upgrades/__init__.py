"""What an upgrade changed: versions of one package held against each other, as facts and as text.

================= ==================================================================================
module            what it does
================= ==================================================================================
``between``       what lies between two versions, from the result of a check of both
``halving``       the first release that differs, in log2 steps
``told_versions`` both as text of 80 columns
================= ==================================================================================
"""
