-- Trigger on provider and lane: tell the workers that routing changed. These tables change rarely, so NOTIFY is cheap here.
create or replace function sms.announce_config()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_notify('sms_config', '');
    return null;
end
$$;
comment on function sms.announce_config is 'Trigger: NOTIFY sms_config, workers read providers and lanes again.';
revoke execute on function sms.announce_config from public;

create or replace trigger announce_config after insert or update or delete on sms.provider
    for each statement execute function sms.announce_config();
comment on trigger announce_config on sms.provider is 'Workers read providers again.';
create or replace trigger announce_config after insert or update or delete on sms.lane
    for each statement execute function sms.announce_config();
comment on trigger announce_config on sms.lane is 'Workers read lanes again.';
