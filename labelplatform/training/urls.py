"""Addresses of this app."""

from django.urls import path

from labelplatform.training import views

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
]
