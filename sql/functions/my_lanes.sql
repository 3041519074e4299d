-- The lanes of the channels this login is confined to; null where it sees all.
create or replace function sms.my_lanes()
    returns smallint[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select case when sms.my_channels() is not null
                then array(select n.lane_id
                             from sms.channel as c
                             join sms.lane as n on n.channel_id = c.channel_id
                            where c.channel = any (sms.my_channels())) end
$$;
comment on function sms.my_lanes is 'The lanes of the channels this login is confined to; null: it sees all.';
revoke execute on function sms.my_lanes from public;
