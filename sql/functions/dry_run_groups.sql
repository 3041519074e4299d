-- Candidates that share their number, or where any cap counts per client their client, with others: what one of them uses
-- up, the others lack. label names the group; labels spread from client to number and back until they stand still.
create or replace function sms.dry_run_groups(p_batch sms.candidate[])
    returns table (id bigint, label bigint)
    language plpgsql stable
as $$
declare
    _ids bigint[];
    _msisdns bigint[];
    _clients bigint[];
    _labels bigint[];
    _spread bigint[];
begin
    select array_agg(c.id), array_agg(c.msisdn), array_agg(c.client_id) into _ids, _msisdns, _clients
      from unnest(p_batch) as c;
    _labels := _msisdns;
    while exists (select from sms.cap as k where k.per = 'client') and _spread is distinct from _labels loop
        _labels := coalesce(_spread, _labels);
        _spread := array(
            select min(s.label) over (partition by s.msisdn)
              from (select g.n, g.msisdn,
                           min(g.label) over (partition by g.client_id, case when g.client_id is null then g.n end) as label
                      from unnest(_msisdns, _clients, _labels) with ordinality as g (msisdn, client_id, label, n)) as s
             order by s.n);
    end loop;
    return query
    select s.id, s.label
      from (select g.id, g.label, count(*) over (partition by g.label) as members
              from unnest(_ids, _labels) as g (id, label)) as s
     where s.members > 1;
end
$$;
comment on function sms.dry_run_groups is 'Part of dry_run: candidates of the same number or client, which compete.';
revoke execute on function sms.dry_run_groups from public;
