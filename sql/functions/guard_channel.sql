-- Trigger on sms.channel: who is watched does not end the watching. A channel that asks for releases goes on asking until the
-- owner of the database says otherwise (SM045), and a channel that is added while one asks does so too.
create or replace function sms.guard_channel()
    returns trigger
    language plpgsql
as $$
begin
    if sms.is_owner(current_user) then
        return new;
    end if;
    if tg_op = 'INSERT' then
        new.needs_release := new.needs_release or exists (select from sms.channel as c where c.needs_release);
    elsif old.needs_release and not new.needs_release then
        raise exception 'channel "%" asks for releases: only the owner of the database ends that', old.channel using errcode = 'SM045';
    end if;
    return new;
end
$$;
comment on function sms.guard_channel is 'Trigger: only the owner ends what a channel demands of its campaigns.';
revoke execute on function sms.guard_channel from public;

create or replace trigger a_guard_channel before insert or update on sms.channel
    for each row execute function sms.guard_channel();
comment on trigger a_guard_channel on sms.channel is 'Four eyes cannot be switched off by those they watch.';
