from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labels", "0004_ratings_margins_and_log")]

    operations = [
        migrations.AddIndex(
            model_name="ranking",
            index=models.Index(fields=["key"], name="ranking_key"),
        ),
    ]
