-- Trigger on sms.campaign: four eyes cannot be forged. A release is written by sms.release_campaign alone, and who wrote
-- the campaign cannot waive the need for one (SM045). Runs as whoever updates: that is how it knows.
create or replace function sms.guard_release()
    returns trigger
    language plpgsql
as $$
begin
    if pg_has_role(current_user, (select c.relowner from pg_catalog.pg_class as c where c.oid = tg_relid), 'member') then
        return new;
    end if;
    if (new.released_at, new.released_by, new.released_digest)
       is distinct from (old.released_at, old.released_by, old.released_digest) then
        raise exception 'a release is made by sms.release_campaign' using errcode = 'SM045';
    end if;
    if old.needs_release and not new.needs_release and old.changed_by = session_user then
        raise exception 'campaign "%" was written by you: somebody else must waive its release', old.campaign
            using errcode = 'SM045';
    end if;
    return new;
end
$$;
comment on function sms.guard_release is 'Trigger: releases come from sms.release_campaign alone, and authors do not waive them.';
revoke execute on function sms.guard_release from public;

create or replace trigger a_guard_release
    before update on sms.campaign
    for each row execute function sms.guard_release();
comment on trigger a_guard_release on sms.campaign is 'Four eyes cannot be forged.';
