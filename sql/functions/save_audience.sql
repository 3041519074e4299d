-- Save a SELECT under a name, after the checks of sms.check_audience; saving the same again changes nothing.
-- Returns its version; p_title null keeps the title. A removed audience comes back.
create or replace function sms.save_audience(p_audience text, p_query text, p_title text default null)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
declare
    _query text := regexp_replace(coalesce(p_query, ''), '[;\s]+$', '');
    _version int;
begin
    if p_audience is null or p_audience !~ '^[a-z][a-z0-9_.-]{0,79}$' then
        raise exception '% is no name for an audience', quote_literal(coalesce(p_audience, '')) using errcode = 'SM035',
            hint = 'Up to 80 small letters, digits, _ . and -, a letter first.';
    end if;
    if _query = '' or char_length(_query) > 100000 then
        raise exception 'the SELECT of an audience has 1 to 100,000 characters' using errcode = 'SM031';
    end if;
    insert into sms.audience as a (audience, query, title, columns, planned_cost)
    values (p_audience, _query, coalesce(p_title, ''), '{}', 0)
        on conflict (audience) do update
       set query = excluded.query, title = coalesce(p_title, a.title), removed_at = null
     where (a.query, a.title) is distinct from (excluded.query, coalesce(p_title, a.title)) or a.removed_at is not null
    returning a.version_no into _version;
    return coalesce(_version, (select a.version_no from sms.audience as a where a.audience = p_audience));
end
$$;
comment on function sms.save_audience is 'Save a SELECT of client_id, phone and variables under a name, after checks; tells the version.';
revoke execute on function sms.save_audience from public;
