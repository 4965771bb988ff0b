"""Sessions in the database, read by a statement that is put together once: every request of everybody begins here."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.db.models import BigAutoField, CharField, DateTimeField
from django.utils import timezone

from labelplatform.accounts.models import Membership, User
from labelplatform.compiled_queries import Compiled, Given

_SESSION = Compiled(
    lambda: Session.objects.filter(
        session_key=Given("key", CharField()), expire_date__gt=Given("now", DateTimeField())
    )
)
_USER = Compiled(lambda: User.objects.filter(pk=Given("pk", BigAutoField())))
# So many projects of a person are read with them; the door of a page needs one of these in any case.
PLACES_READ = 20
_PLACES = Compiled(
    lambda: (
        Membership.objects.select_related("user", "project")
        .filter(user=Given("pk", BigAutoField()))
        .order_by("pk")[: PLACES_READ + 1]
    )
)


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
        """The person, if they may still sign in, with their places in projects where these are few."""
        places: list[Membership] = _PLACES.rows(pk=user_id)
        user: User | None = places[0].user if places else _USER.first(pk=user_id)
        if user is not None and len(places) <= PLACES_READ:
            user.places = {place.project.slug: place for place in places}
        return user if user is not None and self.user_can_authenticate(user) else None
