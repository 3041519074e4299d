-- Tell who listens that routing changed: NOTIFY sms_route with the payload, and a row for the webhook, told after commit.
-- p_for_people = false: only the NOTIFY. The payload names providers, channels and causes; never a phone number or a text.
create or replace function sms.announce_route(p_payload jsonb, p_for_people boolean default true)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sms.route_notice (payload) select p_payload where p_for_people;
    perform pg_notify('sms_route', left(p_payload::text, 7900));
end
$$;
comment on function sms.announce_route is 'NOTIFY sms_route, and keep the payload for the webhook.';
revoke execute on function sms.announce_route from public;
