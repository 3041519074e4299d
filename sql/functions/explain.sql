-- The story of one message: what was asked, what every rule says and why, its attempts, its receipts.
-- A waiting message is judged as of now; one that left the queue as of the moment it left.
create or replace function sms.explain(p_id bigint)
    returns table (step int, topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
declare
    _judged_at timestamptz;
begin
    select coalesce(o.decided_at, clock_timestamp()) into _judged_at
      from sms.message as m
      left join sms.outcome as o on o.id = m.id
     where m.id = p_id;
    if not found then
        raise exception 'no message %', p_id using errcode = 'SM008';
    end if;
    return query
    select row_number() over (order by s.part, s.at, s.n)::int, s.topic, s.verdict, s.reason, s.detail, s.at, s.facts
      from (select 1 as part, 0 as n, r.* from sms.explain_request(p_id) as r
            union all select 2, u.n::int, u.topic, u.verdict, u.reason, u.detail, u.at, u.facts
                        from sms.explain_rules(p_id, _judged_at) with ordinality as u (topic, verdict, reason, detail, at, facts, n)
            union all select 3, 0, f.* from sms.explain_fate(p_id) as f
            union all select 4, 0, c.* from sms.explain_receipts(p_id) as c) as s
     order by 1;
end
$$;
comment on function sms.explain is 'Why a message was or was not sent: the request, every rule''s verdict with its facts, attempts, receipts.';
revoke execute on function sms.explain from public;
