"""Addresses of this app."""

from django.urls import path

from labelplatform.reports import views

app_name = "reports"

urlpatterns = [
    path("p/<slug:slug>/overview/", views.home, name="home"),
    path("p/<slug:slug>/overview/live/", views.home_live, name="home_live"),
]
