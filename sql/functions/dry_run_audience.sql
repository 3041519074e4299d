-- The requests that a SELECT of at least phone describes, as rows of sms.outbox numbered in its order; nothing is inserted.
-- Read with the rights of sms_audience, whoever asks. Errors: SM020 not one SELECT, SM021 no phone, SM022 too many rows.
-- What it calls is told by its words, for parsing would write and a dry run writes nothing, also where nothing can be written.
-- That is enough here: the text is its caller's own, is not kept, and is read with fewer rights than the caller has.
create or replace function sms.dry_run_audience(
    p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamptz
)
    returns sms.outbox[]
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
declare
    _select text := regexp_replace(coalesce(p_select, ''), '[;\s]+$', '');
    _before text := sms.session_state();
    _rows sms.outbox[];
begin
    perform sms.refuse_open_reader();
    perform sms.refuse_strangers(_select);
    begin
        perform sms.refuse_unlisted_words(_select);
        perform sms_audience.analyse_select(_select);
        select array_agg((r.n, p_as_of, p_channel, r.phone, case when r.template is null then coalesce(r.body, p_body) else r.body end,
                          r.template, r.vars, r.erp_ref, r.client_id, r.priority, r.not_before, r.expires_at, r.time_zone,
                          r.sender_id, p_campaign_id)::sms.outbox)
          into _rows
          from sms_audience.read_requests(_select) as r;
    exception
        when insufficient_privilege or sqlstate 'SM021' then
            raise;
        when syntax_error or feature_not_supported or invalid_cursor_definition then
            raise exception 'the audience must be one SELECT: %', sqlerrm using errcode = 'SM020',
                hint = 'Like: select phone, client_id from clients where …';
        when syntax_error_or_access_rule_violation then
            raise exception 'the SELECT cannot be run: %', sqlerrm using errcode = 'SM020';
        when sqlstate 'SM031' then
            raise exception '%', sqlerrm using errcode = 'SM020';
    end;
    perform sms.refuse_changed_session(_before);
    if cardinality(_rows) > 250000 then
        raise exception 'the SELECT yields more than 250,000 rows' using errcode = 'SM022',
            hint = 'Preview a part of it, like: … where client_id % 10 = 0. Or save it as an audience of a campaign, whose dry run reads a part by itself.';
    end if;
    return coalesce(_rows, '{}');
end
$$;
comment on function sms.dry_run_audience is
    'Part of dry_run: the requests that a SELECT of (phone, …) describes; read with the rights of sms_audience.';
revoke execute on function sms.dry_run_audience from public;
