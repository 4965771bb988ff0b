"""Who is signed in, read by one statement that is put together once: every request of everybody begins here."""

from contextvars import ContextVar
from typing import Any, cast

from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db.models import BigAutoField, CharField, DateTimeField, F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from labelplatform.accounts.models import Membership, Session, User
from labelplatform.compiled_queries import Compiled, Given

# So many projects of a person are read with them; the door of a page needs one of these in any case.
PLACES_READ = 20
_SESSION = Compiled(
    lambda: Session.objects.filter(
        session_key=Given("key", CharField()), expire_date__gt=Given("now", DateTimeField())
    )
)
_USER = Compiled(lambda: User.objects.filter(pk=Given("pk", BigAutoField())))
# The session with the person and their places; nothing for who is in no project, or not signed in.
_SIGNED_IN = Compiled(
    lambda: (
        Membership.objects.select_related("user", "project")
        .filter(
            user__sessions__session_key=Given("key", CharField()),
            user__sessions__expire_date__gt=Given("now", DateTimeField()),
        )
        .annotate(
            session_data=F("user__sessions__session_data"), expire_date=F("user__sessions__expire_date")
        )
        .order_by("pk")[: PLACES_READ + 1]
    )
)
# Who was read with the session that is just being asked whose it is.
_read_with_session: ContextVar[User | None] = ContextVar("read_with_session", default=None)


class SessionStore(DatabaseSessions):
    """Django's own, but for how a session is found, and that its row says whose it is."""

    person: User | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Our table."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """The row to be kept."""
        row: Any = super().create_model_instance(data)
        row.person_id = data.get(auth.SESSION_KEY)
        return row

    def _get_session_from_db(self) -> Any:
        """The session's row; None, and no key kept, where there is none that still holds."""
        told = {"key": self.session_key, "now": timezone.now()}
        places = _SIGNED_IN.rows(**told)
        if places:
            self.person = _person_of(places)
            data, until = places[0].session_data, places[0].expire_date
            return Session(session_key=str(self.session_key), session_data=data, expire_date=until)
        found = _SESSION.first(**told)
        if found is None:
            self._session_key = None
        return found


def _person_of(places: list[Membership]) -> User:
    user: User = places[0].user
    if len(places) <= PLACES_READ:
        user.places = {place.project.slug: place for place in places}
    return user


class PersonMiddleware(AuthenticationMiddleware):
    """Django's own, but that the person who was read with the session is not read again."""

    def process_request(self, request: HttpRequest) -> None:
        """Say who is there once somebody asks."""
        super().process_request(request)
        request.user = cast("User", SimpleLazyObject(lambda: _whose(request)))


def _whose(request: HttpRequest) -> User | AnonymousUser:
    """Whose session it is, by all of Django's own checks."""
    session: Any = request.session
    # Asked for the first time, the session is read now.
    session.get(auth.SESSION_KEY)
    scope = _read_with_session.set(getattr(session, "person", None))
    try:
        found: User | AnonymousUser = auth.get_user(request)
    finally:
        _read_with_session.reset(scope)
    return found


class SignedIn(ModelBackend):
    """Django's own, but for how the person of a session is found."""

    def get_user(self, user_id: Any) -> User | None:
        """The person, if they may still sign in, with their places in projects where these are few."""
        read = _read_with_session.get()
        user: User | None = read if read is not None and read.pk == user_id else _USER.first(pk=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
