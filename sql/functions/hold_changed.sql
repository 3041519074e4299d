-- Trigger on what a campaign is made of: what changed after its release waits for the next one, in the same transaction.
create or replace function sms.hold_changed()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform sms.hold_unreleased();
    return null;
end
$$;
comment on function sms.hold_changed is 'Trigger: runs of what changed after its release wait for the next one.';
revoke execute on function sms.hold_changed from public;

create or replace trigger z_hold_changed after update on sms.campaign
    for each statement execute function sms.hold_changed();
comment on trigger z_hold_changed on sms.campaign is 'Four eyes hold while it runs.';
create or replace trigger z_hold_changed after insert or update on sms.template_version
    for each statement execute function sms.hold_changed();
comment on trigger z_hold_changed on sms.template_version is 'Four eyes hold while it runs.';
create or replace trigger z_hold_changed after update on sms.template
    for each statement execute function sms.hold_changed();
comment on trigger z_hold_changed on sms.template is 'Four eyes hold while it runs.';
create or replace trigger z_hold_changed after insert or update on sms.audience
    for each statement execute function sms.hold_changed();
comment on trigger z_hold_changed on sms.audience is 'Four eyes hold while it runs.';
create or replace trigger z_hold_changed after update of needs_release on sms.channel
    for each statement execute function sms.hold_changed();
comment on trigger z_hold_changed on sms.channel is 'Four eyes hold while it runs.';
