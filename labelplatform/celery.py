"""The bell: Celery carries job ids to workers and nothing else. What a job is stands in `labelplatform.jobs`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")

app = Celery("labelplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["labelplatform.jobs"])
