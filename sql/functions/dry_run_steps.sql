-- Every judgement on the way of every candidate: as of the moment it is due, and where that defers it, again as of then.
-- not_before is the moment of the judgement. What is still deferred after a hundred rounds stays so.
create or replace function sms.dry_run_steps(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language plpgsql stable
as $$
declare
    _todo sms.candidate[] := array(select sms.dry_run_again(c, greatest(c.not_before, p_as_of)) from unnest(p_batch) as c);
    _found sms.finding[];
begin
    for _round in 1..100 loop
        exit when cardinality(_todo) = 0;
        _found := array(select f from sms.dry_run_judge(_todo) as f);
        return query
        select f.id, f.rank, f.verdict, f.reason, null::text, c.not_before
          from unnest(_found) as f
          join unnest(_todo) as c on c.id = f.id;
        _todo := array(select sms.dry_run_again(c, f.not_before)
                         from unnest(_found) as f
                         join unnest(_todo) as c on c.id = f.id
                        where f.verdict = 'defer');
    end loop;
end
$$;
comment on function sms.dry_run_steps is 'Part of dry_run: every judgement on the way of every candidate, deferrals followed.';
revoke execute on function sms.dry_run_steps from public;
