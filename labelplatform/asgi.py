"""What uvicorn serves. A start that would be unsafe is refused here, with the remedy."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
django.setup(set_prefix=False)

from labelplatform.checks import refuse_unsafe_start  # noqa: E402  (settings are ready only after the line above)
from labelplatform.serving import RestingThreadsHandler  # noqa: E402

refuse_unsafe_start()
application = RestingThreadsHandler()
