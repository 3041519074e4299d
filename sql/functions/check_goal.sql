-- Trigger on goal: a query must be one reading SELECT that sms_analyst may run, and yield client_id and occurred_at.
-- It is judged as an audience is, by sms.refuse_unsafe_select. Errors: SM031 as there, SM074 a column.
create or replace function sms.check_goal()
    returns trigger
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
declare
    _columns text[];
begin
    if new.query is null or (tg_op = 'UPDATE' and new.query is not distinct from old.query) then
        return new;
    end if;
    new.query := regexp_replace(new.query, '[;\s]+$', '');
    select p.columns into _columns from sms.refuse_unsafe_select(new.query) as p;
    if not _columns @> '{client_id,occurred_at}' then
        raise exception 'the SELECT of goal "%" has no column %', new.goal,
            (select c from unnest(array['client_id', 'occurred_at']) as c where c <> all (_columns) limit 1)
            using errcode = 'SM074', hint = 'Like: select client_id, paid_at as occurred_at, amount from erp.payment.';
    end if;
    return new;
end
$$;
comment on function sms.check_goal is 'Trigger on goal: is its query one that may be collected?';
revoke execute on function sms.check_goal from public;

create or replace trigger check_goal before insert or update on sms.goal
    for each row execute function sms.check_goal();
comment on trigger check_goal on sms.goal is 'Refuses a query that could not be collected.';
