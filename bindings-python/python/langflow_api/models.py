"""The objects that the workspace API speaks of, one class a schema of its document."""

from ._generated.models import *  # noqa: F403
from ._generated.models import __all__ as __all__
