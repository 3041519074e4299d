-- The zones a recipient may be in by what the queue itself knows: the client's, where the client lives, the number's, the
-- channel's; several where it is not known exactly. A function of its own, so that only who needs it pays for starting it.
create or replace function sms.possible_zones(p_channel text, p_phone text, p_client_id bigint)
    returns text[]
    language plpgsql stable
as $$
begin
    return (select z.members
              from sms.interpret_request(p_channel, p_phone, 'x', null, null, null, null, null, null, null, p_client_id, now()) as q
              join sms.time_zone as z on z.zone_id = q.zone_id);
end
$$;
comment on function sms.possible_zones is 'The zones a recipient may be in: by client, place, number or channel.';
revoke execute on function sms.possible_zones from public;
