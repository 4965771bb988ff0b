"""Addresses of this app. Whatever an annotator is working on is addressed by the token of their lease alone."""

from django.urls import path

from labelplatform.labels import (
    annotating,
    choosing_pages,
    demonstrating,
    guideline_pages,
    in_and_out,
    key_pages,
    previewing,
    review_pages,
    reviewing,
    skipping,
    steering,
    views,
)

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
    path(f"{ROOM}campaigns/<int:pk>/guidelines/", guideline_pages.read, name="guidelines"),
    path(f"{ROOM}campaigns/<int:pk>/guidelines/read/", guideline_pages.confirm, name="confirm_guidelines"),
    path(f"{ROOM}campaigns/<int:pk>/guidelines/history/", guideline_pages.history, name="guideline_history"),
    path(f"{ROOM}campaigns/<int:pk>/guidelines/edit/", guideline_pages.edit, name="edit_guidelines"),
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
    path(f"{ROOM}campaigns/<int:pk>/settings/", steering.edit_campaign, name="edit_campaign"),
    path(f"{ROOM}campaigns/<int:pk>/preview/", previewing.preview_campaign, name="preview_campaign"),
    path(f"{ROOM}campaigns/<int:pk>/aside/", steering.set_aside, name="set_aside"),
    path(f"{ROOM}campaigns/<int:pk>/aside/put-back/", steering.put_all_back, name="put_all_back"),
    path(f"{ROOM}items/<int:pk>/put-back/", steering.put_back, name="put_back"),
    path(f"{ROOM}items/<int:pk>/preview/", previewing.preview, name="preview"),
    path(f"{ROOM}campaigns/<int:pk>/next/", choosing_pages.choose, name="choose"),
    path(f"{ROOM}orders/<int:pk>/", choosing_pages.queue_order, name="queue_order"),
    path(f"{ROOM}orders/<int:pk>/force/", choosing_pages.put_in_force, name="put_in_force"),
    path(
        f"{ROOM}campaigns/<int:pk>/quality/reliability/",
        review_pages.compute_reliability,
        name="compute_reliability",
    ),
    path(f"{ROOM}items/<int:pk>/", reviewing.item, name="item"),
    path(f"{ROOM}items/<int:pk>/decide/", review_pages.decide, name="decide"),
    path(f"{ROOM}items/<int:pk>/decide/ask/", review_pages.ask, name="ask_for_decision"),
    path(f"{ROOM}campaigns/<int:pk>/adjudication/", review_pages.adjudication, name="adjudication"),
    path(f"{ROOM}campaigns/<int:pk>/reviews/", review_pages.reviews, name="reviews"),
    path(
        f"{ROOM}campaigns/<int:pk>/quality/<int:annotator>/reviews/", review_pages.draw, name="draw_reviews"
    ),
    path(f"{ROOM}reviews/<int:pk>/", review_pages.review, name="review"),
    path(f"{ROOM}feedback/", review_pages.feedback, name="feedback"),
    path(f"{ROOM}items/<int:pk>/gold/", reviewing.gold, name="gold"),
    path(f"{ROOM}keys/", key_pages.keys, name="keys"),
    path(f"{ROOM}queue/", annotating.queue, name="queue"),
    path(f"{ROOM}rank/<uuid:token>/", annotating.rank, name="rank"),
    path(f"{ROOM}rank/<uuid:token>/draft/", annotating.draft, name="draft"),
    path(f"{ROOM}rank/<uuid:token>/renew/", annotating.renew, name="renew"),
    path(f"{ROOM}rank/<uuid:token>/next/", annotating.prefetch, name="prefetch"),
    path(f"{ROOM}rank/<uuid:token>/leave/", annotating.leave, name="leave"),
    path(f"{ROOM}rank/<uuid:token>/preview/", demonstrating.preview, name="preview_text"),
    path(f"{ROOM}rank/<uuid:token>/release/", annotating.release, name="release"),
    path(f"{ROOM}rank/<uuid:token>/skip/", skipping.skip, name="skip"),
]
