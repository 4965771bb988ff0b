"""What uvicorn serves. A start that would be unsafe is refused here, with the remedy."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")

application = get_asgi_application()

from labelplatform.checks import refuse_unsafe_start  # noqa: E402  (settings are ready only after the line above)

refuse_unsafe_start()
