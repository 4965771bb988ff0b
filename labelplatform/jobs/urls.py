"""Addresses of this app."""

from django.urls import path

from labelplatform.jobs import views

app_name = "jobs"

urlpatterns = [
    path("p/<slug:slug>/jobs/", views.index, name="index"),
    path("p/<slug:slug>/jobs/live/", views.index_live, name="index_live"),
    path("p/<slug:slug>/jobs/<int:pk>/", views.job, name="job"),
    path("p/<slug:slug>/jobs/<int:pk>/live/", views.job_live, name="job_live"),
    path("p/<slug:slug>/jobs/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("p/<slug:slug>/jobs/<int:pk>/resume/", views.resume, name="resume"),
]
