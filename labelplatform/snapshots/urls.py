"""Addresses of this app."""

from django.urls import path

from labelplatform.snapshots import views

app_name = "snapshots"
ROOM = "p/<slug:slug>/snapshots/"

urlpatterns = [
    path(ROOM, views.index, name="index"),
    path(f"{ROOM}freeze/", views.freeze, name="freeze"),
    path(f"{ROOM}<int:pk>/", views.snapshot, name="snapshot"),
    path(f"{ROOM}<int:pk>/live/", views.snapshot_live, name="snapshot_live"),
    path(f"{ROOM}<int:pk>/export/<str:name>/", views.export, name="export"),
    path(f"{ROOM}<int:pk>/files/<str:filename>", views.download, name="download"),
]
