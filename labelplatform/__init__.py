"""LabelPlatform: the web side. The Celery app is made here so that no task can ever find another broker."""

from labelplatform.celery import app as celery_app

__all__ = ["celery_app"]
