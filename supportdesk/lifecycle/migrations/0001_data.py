"""Schedules, legal holds, exports, erasures, and originals of masked messages."""

import django.db.models.deletion
import django.utils.timezone
import supportdesk.lifecycle.models
from django.db import migrations, models

from supportdesk.core.walls import TenantWalls


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('core', '0004_jobs_have_tenants'),
        ('tickets', '0006_counts_by_channel'),
    ]

    operations = [
        migrations.CreateModel(
            name='CustomerExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=supportdesk.lifecycle.models.random_name, max_length=32, unique=True)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ready_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('size', models.PositiveBigIntegerField(default=0, help_text='Bytes.')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.membership')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exports', to='tickets.customer')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Emptied',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('last_seq', models.PositiveIntegerField(help_text="The ticket's last message then: what came later has its own time.")),
                ('why', models.CharField(help_text='erasure or schedule', max_length=10)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.tenant')),
                ('ticket', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='emptied', to='tickets.ticket')),
            ],
            options={
                'verbose_name_plural': 'emptied tickets',
            },
        ),
        migrations.CreateModel(
            name='KeptOriginal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sealed_body', models.TextField(blank=True, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='original', to='tickets.message')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='DataRules',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('keeps_originals', models.BooleanField(default=False, help_text='Keep what was masked in a message, sealed.')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.tenant')),
            ],
            options={
                'verbose_name_plural': 'data rules',
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='data_rules_once')],
            },
        ),
        migrations.CreateModel(
            name='ErasedSubject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(help_text='customer, email, phone or external', max_length=10)),
                ('hash', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'kind', 'hash', 'at'), name='erased_subject_once')],
            },
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('waits_for', models.CharField(blank=True, help_text='Why it could not be done yet, for teammates.', max_length=200)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('due_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('asked_by', models.ForeignKey(help_text='Empty: applied again after a restore.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.membership')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='erasures', to='tickets.customer')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'waiting')), fields=('customer',), name='erasure_waits_once')],
            },
        ),
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=300)),
                ('placed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('lifted_at', models.DateTimeField(null=True)),
                ('customer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='holds', to='tickets.customer')),
                ('lifted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.membership')),
                ('placed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.membership')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.tenant')),
                ('ticket', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='holds', to='tickets.ticket')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('customer', None), ('ticket__isnull', False)), models.Q(('customer__isnull', False), ('ticket', None)), _connector='OR'), name='hold_on_one'), models.UniqueConstraint(condition=models.Q(('lifted_at', None)), fields=('customer',), name='hold_of_customer_once'), models.UniqueConstraint(condition=models.Q(('lifted_at', None)), fields=('ticket',), name='hold_of_ticket_once')],
            },
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('tickets', 'Resolved tickets with their messages'), ('traces', 'Traces of the agent'), ('files', 'Attachments'), ('sessions', 'Closed chat sessions and one-time codes'), ('visitors', 'Visitors who never proved who they are'), ('requests', 'Saved answers of the API'), ('jobs', 'Finished jobs'), ('presence', 'Passing marks on tickets')], max_length=10)),
                ('days', models.PositiveSmallIntegerField()),
                ('is_on', models.BooleanField()),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'kind'), name='schedule_once')],
            },
        ),
        TenantWalls("CustomerExport", "DataRules", "Emptied", "ErasedSubject", "Erasure", "KeptOriginal", "LegalHold", "Schedule"),
    ]
