-- The lanes of the channels this login is confined to; null where it sees all.
create or replace function sms.my_lanes()
    returns smallint[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select array_agg(n.lane_id)
      from sms.login_channel as l
      join sms.channel as c on c.channel = l.channel
      join sms.lane as n on n.channel_id = c.channel_id
     where l.login = session_user
$$;
comment on function sms.my_lanes is 'The lanes of the channels this login is confined to; null: it sees all.';
revoke execute on function sms.my_lanes from public;
