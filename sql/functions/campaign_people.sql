-- The people of an audience as a run takes them: one row a client and one a number, the first that can be used; is_repeat
-- marks the others. zone_id as interpret_request works it out, -1 where phone or zone cannot be used.
-- Read in one pass and sorted on disk, so that memory stays flat however many they are.
create or replace function sms.campaign_people(p_audience text, p_channel text, p_as_of timestamptz)
    returns table (
        n bigint, client_id bigint, phone text, time_zone text, vars jsonb, zone_id smallint, is_repeat boolean
    )
    language plpgsql stable set enable_seqscan = off set jit = off
as $$
#variable_conflict use_column
begin
    return query
    with read as (
        select row_number() over () as n, a.client_id, a.phone, a.time_zone, a.vars
          from sms.run_audience(p_audience) as a
    ), understood as (
        select r.*, f.msisdn, case when f.reason is null then f.zone_id else -1::smallint end as zone_id
          from read as r
          cross join lateral sms.interpret_request(
                   p_channel, r.phone, 'x', null, null, null, null, null, null, r.time_zone, r.client_id, p_as_of) as f
    ), by_client as (
        select u.*, case when u.client_id is null then 1
                         else row_number() over (partition by u.client_id order by u.zone_id = -1, u.n) end as nth
          from understood as u
    )
    select b.n, b.client_id, b.phone, b.time_zone, b.vars, b.zone_id,
           b.nth > 1 or (b.msisdn is not null and row_number() over (partition by b.msisdn, b.nth > 1 order by b.n) > 1)
      from by_client as b;
end
$$;
comment on function sms.campaign_people is 'The people of an audience, one row a client and a number; repeats are marked.';
revoke execute on function sms.campaign_people from public;
