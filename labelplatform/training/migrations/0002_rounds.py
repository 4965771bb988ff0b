import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0001_initial'),
        ('accounts', '0004_own_keys'),
        ('labels', '0013_label_gold'),
        ('prompts', '0001_initial'),
        ('snapshots', '0001_initial'),
        ('training', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RoundSeries',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='jobs.artifact')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='round_series', to='accounts.project')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(fields=('project', 'name'), name='round_series_name_unique_in_project'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='round_series_has_a_name')],
            },
        ),
        migrations.CreateModel(
            name='Round',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('wanted_rankings', models.PositiveIntegerField()),
                ('answers', models.PositiveSmallIntegerField()),
                ('overlap', models.PositiveSmallIntegerField(default=1)),
                ('learns_from', models.CharField(choices=[('this', 'the rankings of this round'), ('all', 'the rankings of all rounds so far')], default='all', max_length=4)),
                ('older_weight', models.FloatField(default=1)),
                ('guidelines', models.TextField(blank=True)),
                ('told', models.JSONField(default=dict)),
                ('seed', models.PositiveIntegerField(default=0)),
                ('step', models.CharField(choices=[('sample', 'Answers are sampled'), ('rank', 'People rank'), ('freeze', 'Rankings are frozen'), ('reward-model', 'The reward model learns'), ('ppo', 'The policy learns'), ('done', 'Done')], default='sample', max_length=12)),
                ('step_since', models.DateTimeField(auto_now_add=True)),
                ('failure', models.TextField(blank=True)),
                ('stopped_at', models.DateTimeField(blank=True, null=True)),
                ('anchors', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='jobs.job')),
                ('campaign', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='round', to='labels.campaign')),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='jobs.artifact')),
                ('ppo', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='training.trainingrun')),
                ('prompt_set', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rounds', to='prompts.promptset')),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rounds', to=settings.AUTH_USER_MODEL)),
                ('reward_model', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='training.trainingrun')),
                ('reward_model_start', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='jobs.artifact')),
                ('sampling', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='jobs.job')),
                ('series', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rounds', to='training.roundseries')),
                ('snapshot', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='round', to='snapshots.snapshot')),
                ('start', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='jobs.artifact')),
            ],
            options={
                'ordering': ['series', 'number'],
                'constraints': [
                    models.UniqueConstraint(fields=('series', 'number'), name='round_number_unique_in_series'),
                    models.UniqueConstraint(condition=models.Q(models.Q(('step', 'done'), _negated=True), ('stopped_at', None)), fields=('series',), name='round_one_at_a_time'),
                    models.CheckConstraint(condition=models.Q(('step__in', ['sample', 'rank', 'freeze', 'reward-model', 'ppo', 'done'])), name='round_step_known'),
                    models.CheckConstraint(condition=models.Q(('answers__gte', 2), ('answers__lte', 8)), name='round_answers_few'),
                    models.CheckConstraint(condition=models.Q(('wanted_rankings__gte', 1)), name='round_wants_rankings'),
                    models.CheckConstraint(condition=models.Q(('older_weight__gt', 0), ('older_weight__lte', 1)), name='round_older_weight_a_share'),
                    models.CheckConstraint(condition=models.Q(('learns_from__in', ['this', 'all'])), name='round_learns_from_known'),
                    models.CheckConstraint(condition=models.Q(('step', 'sample'), models.Q(('campaign__isnull', False), ('step', 'rank')), models.Q(('snapshot__isnull', False), ('step', 'freeze')), models.Q(('reward_model__isnull', False), ('step', 'reward-model')), models.Q(('ppo__isnull', False), ('step__in', ['ppo', 'done'])), _connector='OR'), name='round_step_has_what_it_needs'),
                ],
            },
        ),
    ]
