"""Addresses of this app."""

from django.urls import path

from labelplatform.prompts import views

app_name = "prompts"
ROOM = "p/<slug:slug>/prompts/"

urlpatterns = [
    path(ROOM, views.index, name="index"),
    path(f"{ROOM}add/", views.add_prompt_set, name="add_prompt_set"),
    path(f"{ROOM}<int:pk>/", views.prompt_set, name="prompt_set"),
    path(f"{ROOM}<int:pk>/import/", views.import_lines, name="import_lines"),
    path(f"{ROOM}<int:pk>/sample/", views.sample, name="sample"),
    path(f"{ROOM}<int:pk>/prompts.jsonl", views.download, name="download"),
]
