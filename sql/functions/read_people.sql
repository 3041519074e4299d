-- The rows of a statement made by sms.audience_statement, read with the rights of sms_audience: p_limit rows, until a moment.
create or replace function sms_audience.read_people(p_statement text, p_limit bigint, p_until timestamptz)
    returns table (client_id bigint, phone text, time_zone text, vars jsonb)
    language plpgsql stable security definer rows 100000
    set search_path = pg_catalog, public, pg_temp set standard_conforming_strings = on set transaction_read_only = on
    set jit = off set enable_seqscan = on   -- whatever a caller pinned for itself
as $$
-- To run the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off, extra_warnings = off
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    return query execute p_statement using p_limit, p_until;
    if current_setting('transaction_read_only') <> 'on' then
        raise exception 'the SELECT made its transaction writable' using errcode = 'SM031';
    end if;
end
$$;
comment on function sms_audience.read_people is 'Part of sms.run_audience: the people of a checked SELECT, read with the rights of sms_audience.';
revoke execute on function sms_audience.read_people from public;
