"""Accounts that stand for people (or rules) named in imported lines. Nobody can sign in with one."""

import hashlib

from labelplatform.accounts.models import User
from labelplatform.labels.models import Campaign


def annotators_named(names: set[str], *, campaign: Campaign) -> dict[str, User]:
    """Return an account for each name, made where it is missing.

    A name in a file is only a name: it becomes an account of its own kind and project, and never the account of a
    person who happens to be called so. Only a simulated annotator of the project answers to its own user name.
    """
    simulated = campaign.source == Campaign.Source.SIMULATED
    kind = User.Kind.SIMULATED if simulated else User.Kind.IMPORTED
    members = User.objects.filter(
        memberships__project=campaign.project, kind=User.Kind.SIMULATED, username__in=names
    )
    known = {user.username: user for user in members} if simulated else {}
    usernames = {name: _username(kind, campaign.project.slug, name) for name in names - set(known)}
    there = {user.username: user for user in User.objects.filter(username__in=usernames.values())}
    missing = [
        _account(kind, username, name)
        for name, username in sorted(usernames.items())
        if username not in there
    ]
    there |= {user.username: user for user in User.objects.bulk_create(missing)}
    return known | {name: there[username] for name, username in usernames.items()}


def _username(kind: str, slug: str, name: str) -> str:
    whole = f"{kind}:{slug}:{name}"
    if len(whole) <= 150:
        return whole
    return f"{whole[:85]}~{hashlib.sha256(whole.encode()).hexdigest()}"


def _account(kind: str, username: str, name: str) -> User:
    user = User(username=username, kind=kind, first_name=name[:150], is_active=False)
    user.set_unusable_password()
    return user
