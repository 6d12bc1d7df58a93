"""scipy's special functions that formulas call, with their derivatives.

``autograd.scipy.special`` has them, too; its package imports all of scipy's statistics and integrals with it, which
takes longer than all else that ``parity lint`` does.
"""

from __future__ import annotations

import math

import autograd.numpy as np
import scipy.special
from autograd.extend import defvjp, primitive

erf = primitive(scipy.special.erf)
erfc = primitive(scipy.special.erfc)
expit = primitive(scipy.special.expit)

defvjp(erf, lambda ans, x: lambda g: g * (2.0 / math.sqrt(math.pi)) * np.exp(-x * x))
defvjp(erfc, lambda ans, x: lambda g: -g * (2.0 / math.sqrt(math.pi)) * np.exp(-x * x))
defvjp(expit, lambda ans, x: lambda g: g * ans * (1.0 - ans))
