-- The requests that a SELECT of at least phone describes, as rows of sms.outbox numbered in its order; nothing is inserted.
-- Runs with the caller's rights and search_path. Errors: SM020 not one SELECT, SM021 no phone, SM022 too many rows.
create or replace function sms.dry_run_audience(
    p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamptz
)
    returns sms.outbox[]
    language plpgsql stable
as $$
declare
    _select text := regexp_replace(coalesce(p_select, ''), '[;\s]+$', '');
    _audience text := 'with q as materialized (' || _select || E'\n) ';
    _cursor refcursor;
    _rows sms.outbox[];
begin
    begin
        open _cursor for execute _select;   -- plans it, reads no row; refuses what is not one reading statement
        close _cursor;
        execute _audience || 'select from q limit 0';
    exception
        when insufficient_privilege then
            raise;
        when syntax_error or feature_not_supported or invalid_cursor_definition then
            raise exception 'the audience must be one SELECT: %', sqlerrm using errcode = 'SM020',
                hint = 'Like: select phone, client_id from clients where …';
        when syntax_error_or_access_rule_violation then
            raise exception 'the SELECT cannot be run: %', sqlerrm using errcode = 'SM020';
    end;
    begin
        execute _audience || 'select phone from q limit 0';
    exception when undefined_column then
        raise exception 'the SELECT has no column phone' using errcode = 'SM021',
            hint = 'Name the column with the number: select mobile as phone, …';
    end;
    -- A column that the SELECT does not have is found one level further out, among the defaults.
    execute _audience || $sql$
        , d (client_id, body, template, vars, time_zone, priority, not_before, expires_at, erp_ref, sender_id) as (
            values (null::bigint, null::text, null::text, null::jsonb, null::text, null::smallint, null::timestamptz,
                    null::timestamptz, null::text, null::text)
        )
        select array_agg((a.n, $2, $3, a.phone, case when a.template is null then coalesce(a.body, $1) else a.body end,
                          a.template, a.vars, a.erp_ref, a.client_id, a.priority, a.not_before, a.expires_at, a.time_zone,
                          a.sender_id, $4)::sms.outbox)
          from (select row_number() over () as n, x.*
                  from d
                  cross join lateral (
                           select phone::text as phone, body::text as body, template::text as template, vars::jsonb as vars,
                                  erp_ref::text as erp_ref, client_id::bigint as client_id, priority::smallint as priority,
                                  not_before::timestamptz as not_before, expires_at::timestamptz as expires_at,
                                  time_zone::text as time_zone, sender_id::text as sender_id
                             from q
                            limit 250001
                       ) as x) as a
        $sql$ into _rows using p_body, p_as_of, p_channel, p_campaign_id;
    if cardinality(_rows) > 250000 then
        raise exception 'the SELECT yields more than 250,000 rows' using errcode = 'SM022',
            hint = 'Preview a part of it, like: … where client_id % 10 = 0. Or save it as an audience of a campaign, whose dry run reads a part by itself.';
    end if;
    return coalesce(_rows, '{}');
end
$$;
comment on function sms.dry_run_audience is
    'Part of dry_run: the requests that a SELECT of (phone, …) describes; read with the caller''s rights.';
revoke execute on function sms.dry_run_audience from public;
