"""Addresses of this app."""

from django.urls import path

from labelplatform.accounts import views

app_name = "accounts"

urlpatterns = [
    path("", views.root, name="root"),
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("preferences/", views.preferences, name="preferences"),
    path("projects/", views.projects, name="projects"),
    path("p/<slug:slug>/", views.project, name="project"),
    path("p/<slug:slug>/people/", views.people, name="people"),
    path("p/<slug:slug>/people/add/", views.add_person, name="add_person"),
    path("p/<slug:slug>/people/languages/", views.my_languages, name="my_languages"),
    path("p/<slug:slug>/people/<int:pk>/skills/", views.skills, name="skills"),
    path("p/<slug:slug>/people/<int:pk>/role/", views.set_role, name="set_role"),
]
