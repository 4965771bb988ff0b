"""Settings of a site whose workers know the toy kind too."""

from labelplatform.settings import *  # noqa: F403
from labelplatform.settings import INSTALLED_APPS as SHIPPED_APPS

INSTALLED_APPS = [*SHIPPED_APPS, "tests.faults.toy_app.ToyConfig"]
