-- Has no message gone out to this client within the last days, of one channel or of any? One index probe, for audiences
-- that are small already; for a whole city leave out sms.clients_contacted instead.
create or replace function sms.not_contacted(p_client_id bigint, p_days numeric, p_channel text default null)
    returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
begin
    return not exists (
        select from sms.contact_log as c
         where c.client_id = p_client_id
           and c.at >= now() - make_interval(secs => (p_days * 86400)::double precision)
           and (p_channel is null or c.channel_id = (select x.channel_id from sms.channel as x where x.channel = p_channel)));
end
$$;
comment on function sms.not_contacted is 'Has no message gone out to this client within the last days?';
revoke execute on function sms.not_contacted from public;
