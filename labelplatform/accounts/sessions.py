"""Sessions in the database, read by a statement that is put together once: every request of everybody begins here."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.db.models import BigAutoField, CharField, DateTimeField
from django.utils import timezone

from labelplatform.accounts.models import User
from labelplatform.compiled_queries import Compiled, Given

_SESSION = Compiled(
    lambda: Session.objects.filter(
        session_key=Given("key", CharField()), expire_date__gt=Given("now", DateTimeField())
    )
)
_USER = Compiled(lambda: User.objects.filter(pk=Given("pk", BigAutoField())))


class SessionStore(DatabaseSessions):
    """Django's own, but for how a session is found."""

    def _get_session_from_db(self) -> Any:
        """The session's row; None, and no key kept, where there is none that still holds."""
        found = _SESSION.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
        return found


class SignedIn(ModelBackend):
    """Django's own, but for how the person of a session is found."""

    def get_user(self, user_id: Any) -> User | None:
        """The person, if they may still sign in."""
        user: User | None = _USER.first(pk=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
