-- The story of one message: what was asked, every rule's verdict with its facts, what was decided, attempts, receipts, clicks.
-- A waiting message is judged as of now, one that was claimed as of its claim, one that left the queue otherwise as of then.
-- Rules speak by what is known today; the line 'left the queue' keeps what was decided then, and by which rule rows.
create or replace function sms.explain(p_id bigint)
    returns table (step int, topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
declare
    _judged_at timestamptz;
begin
    select coalesce(f.claimed_at, max(l.at), r.decided_at, clock_timestamp()) into _judged_at
      from sms.message as m
      left join sms.inflight as f on f.id = m.id
      left join sms.outcome as r on r.id = m.id
      left join sms.contact_log as l
        on l.msisdn = r.msisdn and l.message_id = r.id and l.at > sms.id_time(p_id) - interval '1 day'
     where m.id = p_id
     group by f.claimed_at, r.decided_at;
    if not found then
        raise exception 'no message %', p_id using errcode = 'SM008';
    end if;
    return query
    select row_number() over (order by s.part, s.at, s.n)::int, s.topic, s.verdict, s.reason, s.detail, s.at, s.facts
      from (select 1 as part, 0 as n, r.* from sms.explain_request(p_id) as r
            union all select 1, 0, g.* from sms.explain_origin(p_id) as g
            union all select 2, u.n::int, u.topic, u.verdict, u.reason, u.detail, u.at, u.facts
                        from sms.explain_rules(p_id, _judged_at) with ordinality as u (topic, verdict, reason, detail, at, facts, n)
            union all select 3, 0, f.* from sms.explain_fate(p_id) as f
            union all select 4, 0, a.* from sms.explain_attempts(p_id) as a
            union all select 5, 0, c.* from sms.explain_receipts(p_id) as c
            union all select 6, 0, k.* from sms.explain_clicks(p_id) as k) as s
     order by 1;
end
$$;
comment on function sms.explain is
    'Why a message was or was not sent: the request, every rule''s verdict with its facts, the decision, attempts, receipts, clicks.';
revoke execute on function sms.explain from public;
