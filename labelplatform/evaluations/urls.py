"""Addresses of this app."""

from django.urls import path

from labelplatform.evaluations import code_pages, item_pages, views

app_name = "evaluations"

urlpatterns = [
    path("p/<slug:slug>/evaluations/", views.index, name="index"),
    path("p/<slug:slug>/evaluations/evaluate/", views.evaluate, name="evaluate"),
    path("p/<slug:slug>/evaluations/compare/", views.compare, name="compare"),
    path("p/<slug:slug>/evaluations/rate/", views.rate, name="rate"),
    path("p/<slug:slug>/evaluations/<int:pk>/", views.run, name="run"),
    path("p/<slug:slug>/evaluations/<int:pk>/items/", item_pages.items, name="items"),
    path("p/<slug:slug>/evaluations/<int:pk>/items/<int:place>/", item_pages.item, name="item"),
    path(
        "p/<slug:slug>/evaluations/<int:pk>/items/<int:place>/spot-check/",
        item_pages.spot_check,
        name="spot_check",
    ),
    path("p/<slug:slug>/evaluations/jobs/<int:job>/live/", views.live, name="live"),
    path("p/<slug:slug>/evaluations/pass-at-k/", code_pages.pass_at_k, name="pass_at_k"),
    path("p/<slug:slug>/evaluations/<int:pk>/problems/", code_pages.problems, name="problems"),
    path("p/<slug:slug>/evaluations/<int:pk>/problems/<int:number>/", code_pages.problem, name="problem"),
]
