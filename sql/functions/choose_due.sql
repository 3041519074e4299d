-- The due rows of a provider, most urgent first, locked, their numbers locked too, as the candidates of one claim.
-- One index probe per (priority, lane): a million future rows in front cost 1 ms this way, 100 to 150 ms as a filter.
-- plpgsql, as SQL functions called from plpgsql are planned anew in every transaction.
-- Numbers that another claim is judging right now are left for the next claim, so counting the contact log is exact;
-- so are clients while any cap counts per client (keys below zero).
-- Lanes on hold give nothing; with p_probes the lanes are those that let a provider on trial take a few, whoever serves them; who
-- serves them leaves what is younger than 1.5 seconds for that, urgent messages excepted, or there might be nothing to try it with.
create or replace function sms.choose_due(
    p_provider_id smallint, p_limit int, p_from_priority int, p_to_priority int, p_as_of timestamptz,
    p_caps_clients boolean, p_probes boolean default false
)
    returns sms.candidate[]
    language plpgsql volatile
as $$
begin
    return (
    with probe as materialized (
        select l.lane_id, l.channel_id, q.priority::smallint as priority,
               p_as_of - case when l.probed_by is null or p_probes or q.priority = 0 then interval '0' else interval '1.5 seconds' end as due_at
          from sms.lane as l
          cross join generate_series(p_from_priority, p_to_priority) as q (priority)
         where case when p_probes then l.probed_by = p_provider_id else l.provider_id = p_provider_id and not l.is_held end
         order by q.priority, random()
    ), due as materialized (
        select d.*, p.channel_id
          from probe as p
          cross join lateral (
                   select w.ctid as tid, w.*
                     from sms.pending as w
                    where w.lane_id = p.lane_id and w.priority = p.priority and w.not_before <= p.due_at
                    order by w.not_before, w.id
                    limit p_limit
                      for update skip locked
               ) as d
         limit p_limit
    ), mine as materialized (
        select d.*
          from due as d
         where pg_try_advisory_xact_lock(d.msisdn)
           and case when p_caps_clients and d.client_id is not null then pg_try_advisory_xact_lock(-1 - d.client_id) else true end
    )
    select array_agg((m.id, m.msisdn, m.not_before, m.expires_at, m.dedup_key, m.ref_hash, m.client_id, m.campaign_id,
                      m.template_version_id, m.lane_id, m.channel_id, m.zone_id, m.priority, m.attempt + 1,
                      m.nth, m.nth_key, m.tid, m.nth_client)::sms.candidate)
      from (select x.*,
                   row_number() over (partition by x.msisdn order by x.priority, x.not_before, x.id) - 1 as nth,
                   row_number() over (partition by x.msisdn, x.dedup_key order by x.priority, x.not_before, x.id) - 1 as nth_key,
                   row_number() over (partition by x.client_id order by x.priority, x.not_before, x.id) - 1 as nth_client
              from mine as x) as m
    );
end
$$;
comment on function sms.choose_due is 'Lock the due rows of a provider, most urgent first, and their numbers; the candidates of one claim.';
revoke execute on function sms.choose_due from public;
