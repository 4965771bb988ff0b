from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labels", "0002_initial")]

    operations = [
        migrations.AddIndex(
            model_name="ranking",
            index=models.Index(fields=["key"], name="ranking_key"),
        ),
    ]
