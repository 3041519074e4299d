-- The types of events by which rules make messages of the channels this login is confined to; null where it sees all.
create or replace function sms.my_event_types()
    returns int[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select case when sms.my_rules() is not null
                then array(select distinct r.event_type_id::int from sms.event_rule as r where r.rule_id = any (sms.my_rules())) end
$$;
comment on function sms.my_event_types is 'The event types of the channels this login is confined to; null: it sees all.';
revoke execute on function sms.my_event_types from public;
