-- Chore: ask every enabled goal that has a query what happened since it was asked last, and keep what is new. The last two
-- days are asked again each time, for rows that the ERP books late; the first time looks back ninety days.
-- A query that fails is told in sms.activity once a day and does not keep the others back. Returns how many were kept.
create or replace function sms.collect_conversions(p_as_of timestamptz default null)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _g sms.goal;
    _new int;
    _kept int := 0;
begin
    for _g in select * from sms.goal as g where g.is_enabled and g.query is not null loop
        begin
            insert into sms.conversion (goal_id, client_id, occurred_at, amount, ref)
            select _g.goal_id, r.client_id, r.occurred_at, r.amount, r.ref
              from sms.run_goal(_g.goal_id, coalesce(_g.collected_until - interval '2 days', _now - interval '90 days')) as r
             where r.occurred_at <= _now
                on conflict do nothing;
            get diagnostics _new = row_count;
            _kept := _kept + _new;
            update sms.goal as g set collected_until = _now where g.goal_id = _g.goal_id;
        exception when others then
            if not exists (select from sms.activity as a
                            where a.kind = 'goal' and a.name = _g.goal and a.action = 'failed' and a.at > _now - interval '1 day') then
                perform sms.log_activity('failed', 'goal', _g.goal, jsonb_build_object('sqlstate', sqlstate));
            end if;
        end;
    end loop;
    return _kept;
end
$$;
comment on function sms.collect_conversions is 'Chore. Keep what the goals'' queries tell of; returns how many are new.';
revoke execute on function sms.collect_conversions from public;
