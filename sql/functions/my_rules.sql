-- The event rules that make messages of the channels this login is confined to; null where it sees all.
create or replace function sms.my_rules()
    returns int[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select case when count(*) > 0 then array(select r.rule_id from sms.event_rule as r where r.channel = any (array_agg(l.channel))) end
      from sms.login_channel as l
     where l.login = session_user
$$;
comment on function sms.my_rules is 'The event rules of the channels this login is confined to; null: it sees all.';
revoke execute on function sms.my_rules from public;
