import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evaluations', '0001_initial'),
        ('labels', '0013_label_gold'),
    ]

    operations = [
        migrations.CreateModel(
            name='MeasuredItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.PositiveIntegerField()),
                ('key', models.CharField(max_length=200)),
                ('outcome', models.CharField(choices=[('right', 'right'), ('wrong', 'wrong'), ('in-part', 'right in part'), ('abstained', 'abstained'), ('scored', 'scored, nothing decided'), ('not-measured', 'not measured')], max_length=12)),
                ('scores', models.JSONField(default=dict)),
                ('slices', models.JSONField(default=dict)),
                ('offset', models.BigIntegerField()),
                ('length', models.PositiveIntegerField()),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='evaluations.evaluationrun')),
            ],
            options={
                'ordering': ['run', 'place'],
                'indexes': [models.Index(fields=['run', 'outcome', 'place'], name='item_by_outcome')],
                'constraints': [models.UniqueConstraint(fields=('run', 'place'), name='one_item_per_place'), models.UniqueConstraint(fields=('run', 'key'), name='one_item_per_key')],
            },
        ),
        migrations.CreateModel(
            name='SpotCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('item', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='spot_check', to='evaluations.measureditem')),
                ('label_item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='spot_checks', to='labels.item')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
    ]
