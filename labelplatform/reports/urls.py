"""Addresses of this app."""

from django.urls import path

from labelplatform.reports import emergence, figure_files, overview, views

app_name = "reports"

urlpatterns = [
    path("p/<slug:slug>/overview/", overview.home, name="home"),
    path("p/<slug:slug>/overview/live/", overview.home_live, name="home_live"),
    path("p/<slug:slug>/reports/", views.index, name="index"),
    path("p/<slug:slug>/reports/leaderboards/<int:pk>/", views.leaderboard, name="leaderboard"),
    path("p/<slug:slug>/reports/comparisons/<int:pk>/", views.comparison, name="comparison"),
    path("p/<slug:slug>/reports/lineage/<int:pk>/", views.lineage, name="lineage"),
    path("p/<slug:slug>/reports/emergence/", emergence.emergence, name="emergence"),
    path("p/<slug:slug>/reports/emergence/<int:pk>/", emergence.emergence_report, name="emergence_report"),
    path("p/<slug:slug>/reports/emergence/<int:pk>/live/", emergence.emergence_live, name="emergence_live"),
    path(
        "p/<slug:slug>/reports/emergence/<int:pk>/files/<str:filename>",
        emergence.emergence_file,
        name="emergence_file",
    ),
    path("p/<slug:slug>/reports/rankings/<int:snapshot>/", views.rankings, name="rankings"),
    path("p/<slug:slug>/reports/figures/<int:report>/<str:file>", figure_files.figure_file, name="figure"),
]
