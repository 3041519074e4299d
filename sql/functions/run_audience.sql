-- The people an audience selects now: client_id, phone as the ERP has it, time zone, and every further column in vars.
-- Runs read-only with the rights of sms_audience, whoever calls, and leaves the session as it was.
-- PostgreSQL arms no statement_timeout inside a statement, so rows are counted against the setting audience_timeout_s;
-- a program sets statement_timeout as well, for what yields no row at all. An error never repeats values of the data.
create or replace function sms.run_audience(p_audience text, p_limit bigint default null)
    returns table (client_id bigint, phone text, time_zone text, vars jsonb)
    language plpgsql stable security definer rows 100000
    set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
declare
    _a record;
    _seconds double precision := (select s.value::double precision from sms.setting as s where s.setting = 'audience_timeout_s');
    _before text := sms.session_state();
    _stack text;
begin
    get diagnostics _stack = pg_context;
    if array_length(string_to_array(_stack, 'function sms.run_audience('), 1) > 16 then
        raise exception 'the audience % goes too deep: is it built on itself?', quote_literal(p_audience) using errcode = 'SM031';
    end if;
    select a.query, a.columns into _a
      from sms.audience as a
     where a.audience = p_audience and a.removed_at is null;
    if not found then
        raise exception 'there is no audience %', quote_literal(coalesce(p_audience, '')) using errcode = 'SM030',
            hint = coalesce('Audiences: ' || (select string_agg(a.audience, ', ' order by a.audience)
                                               from sms.audience as a where a.removed_at is null) || '.',
                            'There are none yet: "outbox audience save" makes one.');
    end if;
    perform sms.refuse_open_reader();
    perform sms.refuse_strangers(_a.query);
    perform sms.refuse_unlisted_words(_a.query);
    begin
        return query
        select r.*
          from sms_audience.read_people(sms.audience_statement(_a.query, _a.columns), p_limit,
                                        clock_timestamp() + make_interval(secs => coalesce(_seconds, 60))) as r;
    exception
        when sqlstate 'SM034' then
            raise exception 'the audience % takes longer than % s', quote_literal(p_audience), coalesce(_seconds, 60)
                using errcode = 'SM034', hint = 'Narrow it, or let an operator raise the setting audience_timeout_s.';
        when others then
            -- Names, rights, other servers and our own codes may be told; anything else may carry a value of the data.
            if sqlstate ~ '^(SM|42|0A|25|08|HV|53|55|57)' then
                raise;
            end if;
            raise exception 'the audience % met a value it cannot use (%)', quote_literal(p_audience), sqlstate
                using errcode = 'SM031', hint = 'A cast, a division or a function in the SELECT fails for some row.';
    end;
    perform sms.refuse_changed_session(_before);
end
$$;
comment on function sms.run_audience is
    'The people an audience selects: client_id, phone, time_zone, vars. Read-only, with the rights of sms_audience.';
revoke execute on function sms.run_audience from public;
