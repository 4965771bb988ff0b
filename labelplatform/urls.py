"""All addresses. Each app's `urls.py` names whole paths from the root (`p/<slug:slug>/labels/…`) and its `app_name`.

The street's order is also the order of resolution. An app without a `urls.py` has no pages.
"""

from importlib.util import find_spec

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(f"labelplatform.{app}.urls"))
    for app in settings.STREET
    if find_spec(f"labelplatform.{app}.urls") is not None
]
