-- Clients whom a message went out to within the last days, and when the last did; of one channel, or of all.
-- Counted as caps are: from the moment a worker took the message, whatever became of it, unless it was certainly not sent.
create or replace function sms.clients_contacted(p_days numeric, p_channel text default null)
    returns table (client_id bigint, last_at timestamptz)
    language plpgsql stable security definer rows 10000 set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select c.client_id, max(c.at)
      from sms.contact_log as c
     where c.at >= now() - make_interval(secs => (p_days * 86400)::double precision) and c.client_id is not null
       and (p_channel is null or c.channel_id = (select x.channel_id from sms.channel as x where x.channel = p_channel))
     group by c.client_id;
end
$$;
comment on function sms.clients_contacted is 'Clients whom a message went out to within the last days, and when the last did.';
revoke execute on function sms.clients_contacted from public;
