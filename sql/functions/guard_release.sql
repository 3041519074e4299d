-- Trigger on sms.campaign: four eyes cannot be forged. A release is written by sms.release_campaign alone; the need for one
-- is waived by nobody who wrote a part of it, and by nothing else in the same change (SM045). Runs as whoever updates: that is
-- how it knows.
create or replace function sms.guard_release()
    returns trigger
    language plpgsql
as $$
begin
    if sms.is_owner(current_user) then
        return new;
    end if;
    new.writers := old.writers;
    new.authors := old.authors;
    if (new.released_at, new.released_by, new.released_digest)
       is distinct from (old.released_at, old.released_by, old.released_digest) then
        raise exception 'a release is made by sms.release_campaign' using errcode = 'SM045';
    end if;
    if old.needs_release and not new.needs_release then
        perform sms.refuse_waiver(old, new);
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
