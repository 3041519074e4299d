-- What a goal's query tells since a moment: client_id, occurred_at, amount, ref. Runs read-only with the rights of
-- sms_audience, as sms.run_audience does, and leaves the session as it was.
create or replace function sms.run_goal(p_goal_id int, p_since timestamptz)
    returns table (client_id bigint, occurred_at timestamptz, amount numeric, ref text)
    language plpgsql stable security definer rows 10000
    set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
declare
    _query text := (select g.query from sms.goal as g where g.goal_id = p_goal_id);
    _before text := sms.session_state();
begin
    perform sms.refuse_open_reader();
    perform sms.refuse_strangers(_query);
    perform sms.refuse_unlisted_words(_query);
    return query select r.* from sms_audience.read_goal(_query, p_since) as r;
    perform sms.refuse_changed_session(_before);
end
$$;
comment on function sms.run_goal is 'What a goal''s query tells since a moment, read with the rights of sms_audience.';
revoke execute on function sms.run_goal from public;
