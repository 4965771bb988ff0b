"""A signed-in person's own language goes before the browser's, on every device."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from labelplatform.accounts.models import User


def user_language(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, after LocaleMiddleware (whose choice it may replace) and after authentication."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User) and user.language:
            with translation.override(user.language):
                request.LANGUAGE_CODE = user.language
                response = respond(request)
                response.headers.setdefault("Content-Language", user.language)
                return response
        return respond(request)

    return middleware
