"""Addresses of this app."""

from django.urls import path

from labelplatform.training import round_pages, views

app_name = "training"

urlpatterns = [
    path("p/<slug:slug>/training/", views.index, name="index"),
    path("p/<slug:slug>/training/pretrain/", views.pretrain, name="pretrain"),
    path("p/<slug:slug>/training/sft/", views.sft, name="sft"),
    path("p/<slug:slug>/training/reward-model/", views.reward_model, name="reward_model"),
    path("p/<slug:slug>/training/ppo/", views.ppo, name="ppo"),
    path("p/<slug:slug>/training/compare/", views.compare, name="compare"),
    path("p/<slug:slug>/training/estimate/<slug:kind>/", views.estimate, name="estimate"),
    path("p/<slug:slug>/training/<int:pk>/", views.run, name="run"),
    path("p/<slug:slug>/training/<int:pk>/live/", views.live, name="live"),
    path("p/<slug:slug>/training/<int:pk>/answers/", views.answers, name="answers"),
    path("p/<slug:slug>/training/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("p/<slug:slug>/training/rounds/", round_pages.series_list, name="series_list"),
    path("p/<slug:slug>/training/rounds/begin/", round_pages.begin_series, name="begin_series"),
    path("p/<slug:slug>/training/rounds/<int:pk>/", round_pages.series, name="series"),
    path("p/<slug:slug>/training/rounds/<int:pk>/begin/", round_pages.begin_round, name="begin_round"),
    path("p/<slug:slug>/training/round/<int:pk>/", round_pages.one_round, name="one_round"),
    path("p/<slug:slug>/training/round/<int:pk>/live/", round_pages.round_live, name="round_live"),
    path("p/<slug:slug>/training/round/<int:pk>/resume/", round_pages.resume_round, name="resume_round"),
    path("p/<slug:slug>/training/round/<int:pk>/stop/", round_pages.stop_round, name="stop_round"),
    path(
        "p/<slug:slug>/training/round/<int:pk>/settle/",
        round_pages.take_what_there_is,
        name="take_what_there_is",
    ),
]
