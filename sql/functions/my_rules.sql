-- The event rules that make messages of the channels this login is confined to; null where it sees all.
create or replace function sms.my_rules()
    returns int[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select case when sms.my_channels() is not null
                then array(select r.rule_id::int from sms.event_rule as r where r.channel = any (sms.my_channels())) end
$$;
comment on function sms.my_rules is 'The event rules of the channels this login is confined to; null: it sees all.';
revoke execute on function sms.my_rules from public;
