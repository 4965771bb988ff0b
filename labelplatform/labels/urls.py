"""Addresses of this app. Whatever an annotator is working on is addressed by the token of their lease alone."""

from django.urls import path

from labelplatform.labels import annotating, demonstrating, in_and_out, reviewing, views

app_name = "labels"
ROOM = "p/<slug:slug>/labels/"

urlpatterns = [
    path(ROOM, views.index, name="index"),
    path(f"{ROOM}rankings.jsonl", views.download, name="download"),
    path(f"{ROOM}<slug:file>.jsonl", in_and_out.lines, name="lines"),
    path(f"{ROOM}import/", in_and_out.import_labels, name="import_labels"),
    path(f"{ROOM}export/", in_and_out.exports, name="exports"),
    path(f"{ROOM}export/<str:name>/", in_and_out.export, name="export"),
    path(f"{ROOM}rankings/<int:pk>/", views.ranking, name="ranking"),
    path(f"{ROOM}campaigns/add/", views.add_campaign, name="add_campaign"),
    path(f"{ROOM}campaigns/<int:pk>/", views.campaign, name="campaign"),
    path(f"{ROOM}campaigns/<int:pk>/state/", views.set_state, name="set_state"),
    path(f"{ROOM}campaigns/<int:pk>/guidelines/", annotating.guidelines, name="guidelines"),
    path(f"{ROOM}campaigns/<int:pk>/start/", annotating.start, name="start"),
    path(f"{ROOM}campaigns/<int:pk>/quality/", reviewing.campaign_quality, name="quality"),
    path(
        f"{ROOM}campaigns/<int:pk>/quality/<int:annotator>/",
        reviewing.annotator_quality,
        name="annotator_quality",
    ),
    path(
        f"{ROOM}campaigns/<int:pk>/quality/<int:annotator>/qualification/",
        reviewing.qualify,
        name="qualify",
    ),
    path(f"{ROOM}campaigns/<int:pk>/disagreement/", reviewing.disagreement, name="disagreement"),
    path(f"{ROOM}campaigns/<int:pk>/quality/settings/", reviewing.quality_settings, name="quality_settings"),
    path(f"{ROOM}items/<int:pk>/", reviewing.item, name="item"),
    path(f"{ROOM}items/<int:pk>/gold/", reviewing.gold, name="gold"),
    path(f"{ROOM}queue/", annotating.queue, name="queue"),
    path(f"{ROOM}rank/<uuid:token>/", annotating.rank, name="rank"),
    path(f"{ROOM}rank/<uuid:token>/draft/", annotating.draft, name="draft"),
    path(f"{ROOM}rank/<uuid:token>/renew/", annotating.renew, name="renew"),
    path(f"{ROOM}rank/<uuid:token>/next/", annotating.prefetch, name="prefetch"),
    path(f"{ROOM}rank/<uuid:token>/leave/", annotating.leave, name="leave"),
    path(f"{ROOM}rank/<uuid:token>/preview/", demonstrating.preview, name="preview"),
    path(f"{ROOM}rank/<uuid:token>/release/", annotating.release, name="release"),
]
