import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evaluations", "0002_measured_items")]

    operations = [
        migrations.CreateModel(
            name="JudgedSubmission",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("number", models.PositiveIntegerField()),
                ("problem", models.CharField(max_length=200)),
                ("place", models.PositiveIntegerField()),
                ("temperature", models.FloatField(blank=True, null=True)),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("pass", "passed"),
                            ("fail", "failed"),
                            ("timeout", "out of time"),
                            ("unjudged", "not judged"),
                            ("refused", "refused"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("call", models.TextField(blank=True)),
                ("calls", models.PositiveIntegerField(default=0)),
                ("attempt", models.CharField(blank=True, max_length=40)),
                ("wall_only", models.BooleanField(default=False)),
                ("program", models.TextField(blank=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to="evaluations.evaluationrun",
                    ),
                ),
            ],
            options={
                "ordering": ["run", "number", "place"],
                "indexes": [models.Index(fields=["run", "verdict"], name="submission_by_verdict")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("run", "number", "place"), name="one_judgement_per_submission"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["pass", "fail", "timeout", "unjudged", "refused"])),
                        name="submission_verdict_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("verdict", "pass"), _negated=True), ("attempt", ""), _connector="OR"
                        ),
                        name="no_pass_is_an_attempt",
                    ),
                ],
            },
        ),
    ]
