-- Trigger on channel and operator: every channel × operator has a lane. A new channel's lanes are parked (no provider);
-- a new operator's lanes start with the provider that serves the channel's ''other'' lane.
create or replace function sms.complete_lanes()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sms.lane (channel_id, operator_id, provider_id)
    select c.channel_id, o.operator_id,
           (select l.provider_id from sms.lane as l where l.channel_id = c.channel_id and l.operator_id = 0)
      from sms.channel as c
      cross join sms.operator as o
        on conflict (channel_id, operator_id) do nothing;
    return null;
end
$$;
comment on function sms.complete_lanes is 'Trigger: a lane for every channel × operator.';
revoke execute on function sms.complete_lanes from public;

create or replace trigger complete_lanes after insert on sms.channel
    for each statement execute function sms.complete_lanes();
comment on trigger complete_lanes on sms.channel is 'New channels get their lanes.';
create or replace trigger complete_lanes after insert on sms.operator
    for each statement execute function sms.complete_lanes();
comment on trigger complete_lanes on sms.operator is 'New operators get their lanes.';
