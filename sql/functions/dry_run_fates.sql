-- What would become of every candidate: reason null = kept, and would go at that moment; else why it is suppressed.
-- Each is judged by sms.judge_batch as of when it is due, and again when a deferral ends; those that share a number or a
-- client are then decided one after the other, as claims would. Who may not read texts has them compared with each other only,
-- never with messages of others (sms.told_facts).
create or replace function sms.dry_run_fates(p_batch sms.candidate[], p_as_of timestamptz)
    returns table (id bigint, reason text, at timestamptz, is_deferred boolean)
    language plpgsql stable
as $$
#variable_conflict use_column
declare
    _steps sms.finding[] := array(select s from sms.dry_run_steps(sms.told_facts(p_batch), p_as_of) as s);
    _doubles bigint[] := array(select d from sms.dry_run_refs(p_batch, p_as_of) as d);
    _rivals sms.candidate[];
begin
    _rivals := array(select c from unnest(p_batch) as c
                      where not exists (select from unnest(_doubles) as d (id) where d.id = c.id));
    return query
    with step as materialized (
        select s.id, s.rank, s.verdict, s.reason, s.not_before as moment from unnest(_steps) as s
    ), alone as (
        select distinct on (s.id) s.id, case when s.verdict = 'suppress' then s.reason end as reason, s.moment as at
          from step as s
         order by s.id, s.moment desc
    ), first as (
        select distinct on (s.id) s.id, s.rank, s.verdict, s.reason, s.moment
          from step as s
         order by s.id, s.moment
    ), rival as materialized (
        select r.id, r.reason, r.at from sms.dry_run_rivals(_rivals, _steps, p_as_of) as r
    )
    select f.id,
           case when d.id is null then case when r.id is null then a.reason else r.reason end
                when f.verdict = 'suppress' and f.rank < 40 then f.reason
                else 'duplicate_ref' end,
           case when d.id is null then coalesce(r.at, a.at) else f.moment end,
           d.id is null and coalesce(r.at, a.at) > f.moment
      from first as f
      join alone as a on a.id = f.id
      left join rival as r on r.id = f.id
      left join unnest(_doubles) as d (id) on d.id = f.id;
end
$$;
comment on function sms.dry_run_fates is 'Part of dry_run: what would become of every candidate, and when.';
revoke execute on function sms.dry_run_fates from public;
