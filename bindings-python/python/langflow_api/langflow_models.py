"""The objects that open-source servers speak of, one class a schema of their document."""

from ._generated.langflow.models import *  # noqa: F403
from ._generated.langflow.models import __all__ as __all__
