"""Addresses of this app."""

from django.urls import path

from labelplatform.chat import views

app_name = "chat"
ROOM = "p/<slug:slug>/chat/"

urlpatterns = [
    path(ROOM, views.index, name="index"),
    path(f"{ROOM}start/", views.start, name="start"),
    path(f"{ROOM}<int:pk>/", views.conversation, name="conversation"),
    path(f"{ROOM}<int:pk>/live/", views.conversation_live, name="conversation_live"),
    path(f"{ROOM}<int:pk>/send/", views.send, name="send"),
    path(f"{ROOM}<int:pk>/turns/<int:ordinal>/regenerate/", views.regenerate, name="regenerate"),
    path(f"{ROOM}<int:pk>/answers/<int:answer>/compare/", views.compare, name="compare"),
]
