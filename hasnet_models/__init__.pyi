from hasnet_models.avatar.api import Avatar as Avatar
from hasnet_models.version import __version__ as __version__
