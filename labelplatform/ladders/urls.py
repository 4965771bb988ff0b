"""Addresses of this app."""

from django.urls import path

from labelplatform.ladders import views

app_name = "ladders"

urlpatterns = [
    path("p/<slug:slug>/training/ladders/", views.index, name="index"),
    path("p/<slug:slug>/training/ladders/start/", views.start, name="start"),
    path("p/<slug:slug>/training/ladders/draw/", views.draw, name="draw"),
    path("p/<slug:slug>/training/ladders/<int:pk>/", views.ladder, name="ladder"),
    path("p/<slug:slug>/training/ladders/<int:pk>/live/", views.live, name="live"),
    path("p/<slug:slug>/training/ladders/<int:pk>/go-on/", views.go_on, name="go_on"),
]
