-- What the ERP knows of these clients, from its contract view erp.client: phone as it stands there, and the zone where it is
-- one we know. Read late (plpgsql), so that the view may be replaced at any time; its columns may be of any kindred type.
create or replace function sms.read_clients(p_client_ids bigint[])
    returns table (client_id bigint, phone text, time_zone text)
    language plpgsql stable
as $$
begin
    return query
    select c.client_id::bigint, c.phone::text, z.name
      from erp.client as c
      left join sms.time_zone as z on z.name = c.time_zone::text and z.zone_id <> 0
     where c.client_id = any (p_client_ids);
end
$$;
comment on function sms.read_clients is 'Phone and time zone of clients, from the ERP''s view erp.client.';
revoke execute on function sms.read_clients from public;
