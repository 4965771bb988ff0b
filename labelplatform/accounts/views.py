"""Signing in and out, what a person prefers, which projects they have, and who else is in one."""

import secrets

from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts import preferences as choices
from labelplatform.accounts import queries, services
from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.forms import (
    LANGUAGE_CODES,
    LanguagesForm,
    PersonForm,
    PreferencesForm,
    RoleForm,
    SignInForm,
    SkillsForm,
)
from labelplatform.accounts.models import Membership, Project, Role, User


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The door: whoever is already inside walks on."""
    following = _next(request, reverse("accounts:root"))
    if request.user.is_authenticated:
        return redirect(following)
    form = SignInForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = form.get_user()
        login(request, user)
        return redirect(following)
    status = 422 if form.is_bound else 200
    return render(request, "accounts/sign_in.html", {"form": form, "next": following}, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session on this device."""
    logout(request)
    return redirect("accounts:sign_in")


@require_safe
@login_required
def root(request: HttpRequest) -> HttpResponse:
    """One project: straight into it. Several: the choice."""
    own = list(queries.projects_visible_to(signed_in(request))[:2])
    if len(own) == 1:
        return redirect("accounts:project", slug=own[0].slug)
    return redirect("accounts:projects")


@require_safe
@login_required
def projects(request: HttpRequest) -> HttpResponse:
    """Every project this person has a role in."""
    own = queries.memberships_of(signed_in(request))
    return render(request, "accounts/projects.html", {"memberships": own})


@require_safe
@project_view()
def project(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """Where this person's work begins: annotators at their queue, researchers at the overview."""
    researches = membership.role in (Role.RESEARCHER, Role.ADMINISTRATOR)
    return redirect("reports:home" if researches else "labels:queue", slug=project.slug)


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Language and colours, by the bar's switches or the form; also for whoever has not signed in."""
    user = request.user if isinstance(request.user, User) else None
    if request.method != "POST":
        form = PreferencesForm(initial={"language": user.language, "theme": user.theme}) if user else None
        return render(request, "accounts/preferences.html", {"form": form})
    language, theme = request.POST.get("language"), request.POST.get("theme")
    if (language and language not in LANGUAGE_CODES) or (theme and theme not in choices.THEMES):
        return HttpResponse(_("There is no such language or colour scheme."), status=400)
    if user is not None:
        services.set_preferences(
            user=user,
            language=user.language if language is None else language,
            theme=theme or user.theme,
        )
    response = redirect(_next(request, reverse("accounts:preferences")))
    choices.remember(response, language=language or "", theme=theme or "")
    return response


@require_safe
@project_view(Role.RESEARCHER)
def people(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """Who is in the project, as what."""
    return _people_page(request, project, membership, PersonForm())


@require_POST
@project_view(Role.ADMINISTRATOR)
def add_person(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """Lets somebody in; a new account's password is shown once, to the administrator."""
    form = PersonForm(request.POST)
    if not form.is_valid():
        return _people_page(request, project, membership, form, status=422)
    by = signed_in(request)
    user = User.objects.filter(username=form.cleaned_data["username"]).first()
    if user is None:
        password = secrets.token_urlsafe(9)
        user = services.create_user(username=form.cleaned_data["username"], password=password, by=by)
        said = _(
            "%(name)s can sign in with the password %(password)s. It is shown only now: hand it over safely."
        )
        messages.warning(request, said % {"name": user.username, "password": password})
    services.set_role(project=project, user=user, role=form.cleaned_data["role"], by=by)
    return redirect("accounts:people", slug=project.slug)


@require_POST
@project_view(Role.ADMINISTRATOR)
def set_role(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Changes what one person may do; never one's own role, so that a project keeps an administrator."""
    theirs = get_object_or_404(project.memberships, pk=pk)
    form = RoleForm(request.POST)
    if theirs.pk == membership.pk:
        messages.error(request, _("Your own role stays as it is: ask another administrator to change it."))
    elif form.is_valid():
        services.set_role(
            project=project, user=theirs.user, role=form.cleaned_data["role"], by=signed_in(request)
        )
        messages.success(request, _("%(name)s has a new role.") % {"name": theirs.user.username})
    else:
        messages.error(request, _("There is no such role; nothing was changed."))
    return redirect("accounts:people", slug=project.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.ADMINISTRATOR)
def skills(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """What one person reads and knows: campaigns that ask for it reach them."""
    theirs = get_object_or_404(project.memberships.select_related("user"), pk=pk)
    told = {"languages": theirs.languages, "domains": ", ".join(theirs.domains)}
    form = SkillsForm(initial=told)
    if request.method == "POST":
        form = SkillsForm(request.POST)
        if form.is_valid():
            services.set_skills(membership=theirs, by=signed_in(request), **form.cleaned_data)
            return redirect("accounts:people", slug=project.slug)
    context = {"project": project, "form": form, "person": theirs.user}
    return render(request, "accounts/skills.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view()
def my_languages(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """What I read, as I say myself; what I know, an administrator says."""
    form = LanguagesForm(initial={"languages": membership.languages})
    if request.method == "POST":
        form = LanguagesForm(request.POST)
        if form.is_valid():
            services.set_skills(membership=membership, by=signed_in(request), **form.cleaned_data)
            messages.success(request, _("Kept: you are offered what is in these languages."))
            return redirect("labels:queue", slug=project.slug)
    context = {"project": project, "form": form, "domains": membership.domains}
    return render(request, "accounts/my_languages.html", context, status=422 if form.is_bound else 200)


def _people_page(
    request: HttpRequest, project: Project, membership: Membership, form: PersonForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "project": project,
        "membership": membership,
        "members": queries.members(project),
        "form": form,
        "roles": Role.choices,
        "may_change": membership.role == Role.ADMINISTRATOR,
    }
    return render(request, "accounts/people.html", context, status=status)


def _next(request: HttpRequest, otherwise: str) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else otherwise
