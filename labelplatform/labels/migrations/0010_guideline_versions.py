"""Guidelines as versions: every text that a campaign has becomes its version 1, as old as the campaign."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def first_versions(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    campaigns = apps.get_model("labels", "Campaign").objects.exclude(guidelines="")
    version = apps.get_model("labels", "GuidelineVersion")
    version.objects.bulk_create(
        [
            version(campaign_id=pk, number=1, english=text, at=created)
            for pk, text, created in campaigns.values_list("pk", "guidelines", "created_at")
        ],
        batch_size=200,
    )


def texts_again(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    campaigns = apps.get_model("labels", "Campaign").objects
    versions = apps.get_model("labels", "GuidelineVersion").objects.order_by("number")
    for pk, english, chinese in versions.values_list("campaign", "english", "chinese"):
        campaigns.filter(pk=pk).update(guidelines=english or chinese)


class Migration(migrations.Migration):

    dependencies = [
        ('labels', '0009_choosing'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='GuidelineReading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='GuidelineVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('english', models.TextField(blank=True)),
                ('chinese', models.TextField(blank=True)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['campaign', 'number'],
            },
        ),
        migrations.AddField(
            model_name='guidelinereading',
            name='annotator',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='guideline_readings', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='guidelinereading',
            name='campaign',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='guideline_readings', to='labels.campaign'),
        ),
        migrations.AddField(
            model_name='guidelineversion',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='guideline_versions', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='guidelineversion',
            name='campaign',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='guideline_versions', to='labels.campaign'),
        ),
        migrations.AddConstraint(
            model_name='guidelinereading',
            constraint=models.UniqueConstraint(fields=('campaign', 'annotator'), name='guideline_reading_one_per_person'),
        ),
        migrations.AddConstraint(
            model_name='guidelineversion',
            constraint=models.UniqueConstraint(fields=('campaign', 'number'), name='guideline_number_unique_in_campaign'),
        ),
        migrations.AddConstraint(
            model_name='guidelineversion',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='guideline_number_from_1'),
        ),
        migrations.RunPython(first_versions, texts_again),
    ]
