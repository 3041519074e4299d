-- Launch in two steps, the second: collect the people of a run that the caller launched himself. Returns how many there are;
-- null where a worker is at it, or the run waits for its moment.
create or replace function sms.finish_launch(p_run_id bigint)
    returns bigint
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$ select sms.freeze_run(sms.own_launch(p_run_id)) $$;
comment on function sms.finish_launch is 'Launch in two steps, the second: collect the people of a run of one''s own; how many.';
revoke execute on function sms.finish_launch from public;
