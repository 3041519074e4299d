-- Decide doubtful messages: accepted (the provider has them), resend (back to pending, keeping the reservation in the
-- contact log: it may have gone), absent (the provider said that it has them not: back to pending, the reservation of that
-- attempt given back), give_up (failed). What goes again is spent when it goes: until then the ledger takes it back, and where
-- its campaign was stopped it ends here. Others than uncertain ones are left alone; each decision is a row of sms.activity.
create or replace function sms.resolve_uncertain(
    p_ids bigint[], p_verdict text, p_detail text default null, p_decided_by text default 'a person'
)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
declare
    _now timestamptz := clock_timestamp();
    _resolved bigint[];
begin
    if p_verdict in ('resend', 'absent') then
        with gone as materialized (
            delete from sms.outcome as o where o.id = any (p_ids) and o.state = 'uncertain' returning o.*
        ), back as (
            insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                     template_version_id, lane_id, zone_id, priority, attempt)
            select c.id, c.msisdn, _now, c.expires_at, c.dedup_key, c.ref_hash, c.client_id, c.campaign_id,
                   c.template_version_id, c.lane_id, g.zone_id, c.priority, g.attempts
              from gone as g
              join unnest(sms.candidates(p_ids)) as c on c.id = g.id
        ), carried as (
            insert into sms.earlier_carrier (message_id, provider_id)
            select g.id, g.provider_id from gone as g where g.provider_id is not null
                on conflict do nothing
        ), unspent as (
            insert into sms.spend (day, channel_id, campaign_id, amount)
            select (g.submitted_at at time zone sms.statistics_zone())::date, l.channel_id, g.campaign_id, -sum(g.cost)
              from gone as g
              join sms.lane as l on l.lane_id = g.lane_id
             where g.cost > 0
             group by 1, 2, 3
        ), returned as (
            delete from sms.contact_log as l
             using gone as g
             cross join lateral (select max(x.at) as at
                                   from sms.contact_log as x
                                  where x.msisdn = g.msisdn and x.at between g.decided_at - interval '1 day' and g.decided_at
                                    and x.message_id = g.id) as m
             where p_verdict = 'absent' and l.msisdn = g.msisdn and l.at = m.at and l.message_id = g.id
        )
        select array_agg(g.id) into _resolved from gone as g;
    elsif p_verdict in ('accepted', 'give_up') then
        with decided as (
            update sms.outcome as o
               set state = case p_verdict when 'accepted' then 'accepted' else 'failed' end,
                   reason = case p_verdict when 'give_up' then 'gave_up' end,
                   final_at = case p_verdict when 'give_up' then _now end,
                   detail = coalesce(p_detail, o.detail)
             where o.id = any (p_ids) and o.state = 'uncertain'
         returning o.id, o.provider_id
        ), watched as (
            insert into sms.overdue (id, provider_id, ref, next_poll_at)
            select d.id, d.provider_id, x.ref, _now
              from decided as d
              join sms.provider_asking as a on a.provider_id = d.provider_id and a.collected_until is not null
              left join sms.doubtful as x on x.id = d.id
             where p_verdict = 'accepted'
                on conflict (id) do nothing
        )
        select array_agg(d.id) into _resolved from decided as d;
    else
        raise exception 'unknown verdict "%"', p_verdict
            using errcode = 'SM005', hint = 'Verdicts: accepted, resend, absent, give_up.';
    end if;
    if _resolved is null then
        return 0;
    end if;
    -- Now, so that a row of the next doubt about the same message is never taken for one of this.
    delete from sms.doubtful as d where d.id = any (_resolved);
    if p_verdict in ('resend', 'absent') then
        perform sms.sweep_campaigns();
    end if;
    perform sms.log_activity('resolved', 'message',
        case when cardinality(_resolved) = 1 then _resolved[1]::text else cardinality(_resolved) || ' messages' end,
        jsonb_strip_nulls(jsonb_build_object('verdict', p_verdict, 'messages', cardinality(_resolved), 'decided_by', p_decided_by,
            'note', p_detail, 'ids', (select jsonb_agg(i::text) from unnest(_resolved[:100]) as i))));
    return cardinality(_resolved);
end
$$;
comment on function sms.resolve_uncertain is
    'Decide uncertain messages: accepted, resend, absent (resend, and the reservation given back) or give_up; returns how many were decided.';
revoke execute on function sms.resolve_uncertain from public;
