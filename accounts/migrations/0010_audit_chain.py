import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What rows from before have been about, and where from.
NAMES = """
UPDATE accounts_auditevent event SET
    actor_name = COALESCE((SELECT username FROM accounts_user WHERE id = event.actor_id), ''),
    project_slug = COALESCE((SELECT slug FROM accounts_project WHERE id = event.project_id), ''),
    address = COALESCE(left(detail ->> 'address', 64), '');
"""
DIGEST = """
CREATE FUNCTION accounts_auditevent_digest(event accounts_auditevent, place bigint, before text) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT encode(sha256(convert_to(jsonb_build_array(
    before, place, event.id, to_char(event.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    event.actor_id, event.actor_name, event.project_id, event.project_slug, event.verb, event.target, event.address,
    event.detail
)::text, 'UTF8')), 'hex') $$;
"""
CHAIN = """
DO $$ DECLARE
    event accounts_auditevent;
    place bigint := 0;
    before text := '';
BEGIN
    FOR event IN SELECT * FROM accounts_auditevent ORDER BY id LOOP
        place := place + 1;
        before := accounts_auditevent_digest(event, place, before);
        UPDATE accounts_auditevent SET position = place, digest = before WHERE id = event.id;
    END LOOP;
END $$;
"""
# Rows are added and nothing else, whoever asks; only what a new row lacks of the chain is filled in, once.
GUARD = """
CREATE FUNCTION accounts_auditevent_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'UPDATE' AND OLD.digest = ''
        AND to_jsonb(NEW) - 'position' - 'digest' = to_jsonb(OLD) - 'position' - 'digest' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The audit trail only grows: rows of accounts_auditevent are neither changed nor deleted.'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER accounts_auditevent_keep BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION accounts_auditevent_keep();

CREATE FUNCTION accounts_auditevent_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.position := NULL;
    NEW.digest := '';
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_auditevent_new BEFORE INSERT ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION accounts_auditevent_new();
"""
# A row gets its place in the chain as the last thing before its transaction is committed: the first trigger waits for
# the commit, and what it does waits until everything else that waits for the commit (checks of foreign keys, which may
# wait for locks of others) is done. So whoever has the lock of the chain waits for nothing any more.
LINK = """
CREATE FUNCTION accounts_auditevent_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE accounts_auditevent SET position = NULL WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER accounts_auditevent_commit AFTER INSERT ON accounts_auditevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_auditevent_commit();

CREATE FUNCTION accounts_auditevent_link() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE
    place bigint;
    before text;
BEGIN
    PERFORM pg_advisory_xact_lock({lock});
    SELECT position, digest INTO place, before FROM accounts_auditevent
        WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1;
    place := COALESCE(place, 0) + 1;
    UPDATE accounts_auditevent event SET
        position = place, digest = accounts_auditevent_digest(event, place, COALESCE(before, ''))
        WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER accounts_auditevent_link AFTER UPDATE ON accounts_auditevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.position IS NULL)
    EXECUTE FUNCTION accounts_auditevent_link();
"""
LOCK = 7_283_001
NONE = """
DROP TRIGGER accounts_auditevent_link ON accounts_auditevent;
DROP TRIGGER accounts_auditevent_commit ON accounts_auditevent;
DROP TRIGGER accounts_auditevent_new ON accounts_auditevent;
DROP TRIGGER accounts_auditevent_keep ON accounts_auditevent;
DROP FUNCTION accounts_auditevent_link();
DROP FUNCTION accounts_auditevent_commit();
DROP FUNCTION accounts_auditevent_new();
DROP FUNCTION accounts_auditevent_keep();
DROP FUNCTION accounts_auditevent_digest(accounts_auditevent, bigint, text);
UPDATE accounts_auditevent SET actor_id = NULL WHERE actor_id NOT IN (SELECT id FROM accounts_user);
UPDATE accounts_auditevent SET project_id = NULL WHERE project_id NOT IN (SELECT id FROM accounts_project);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_kept_mail")]

    operations = [
        migrations.AlterField(
            model_name="auditevent",
            name="actor",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="project",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.project",
            ),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="actor_name",
            field=models.CharField(blank=True, default="", max_length=150),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="auditevent",
            name="project_slug",
            field=models.CharField(blank=True, default="", max_length=100),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="auditevent",
            name="address",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="auditevent",
            name="position",
            field=models.BigIntegerField(editable=False, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="digest",
            field=models.CharField(blank=True, default="", editable=False, max_length=64),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["project", "id"], name="audit_project"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["actor_name", "id"], name="audit_actor_name"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["verb", "id"], name="audit_verb"),
        ),
        migrations.RunSQL(NAMES, migrations.RunSQL.noop),
        migrations.RunSQL(
            DIGEST + CHAIN + GUARD + LINK.format(lock=LOCK),
            NONE,
        ),
    ]
