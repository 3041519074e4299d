-- Clients who got a message of a campaign or template within the last days and have not done this since, by erp.action.
create or replace function sms.received_but_did_not(p_what text, p_action text, p_days numeric default 30)
    returns table (client_id bigint, received_at timestamptz)
    language plpgsql stable security definer rows 10000 set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select r.client_id, r.last_at
      from sms.clients_who_received(p_what, p_days) as r
     where not exists (select from erp.action as a
                        where a.client_id = r.client_id and a.action = p_action and a.at >= r.last_at);
end
$$;
comment on function sms.received_but_did_not is 'Clients who got a message of a campaign or template and have not done an action since.';
revoke execute on function sms.received_but_did_not from public;
