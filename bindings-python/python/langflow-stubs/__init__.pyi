from langflow_api import *  # noqa: F403
from langflow_api import __version__ as __version__
from langflow_api._generated.errors import *  # noqa: F403
