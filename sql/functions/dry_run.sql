-- What a launch would do, without doing anything: one row a finding. total; kept; suppressed by reason (key); deferred by
-- quiet hours, by hour (at); encoding (gsm7, ucs2); cost by provider (key), with the end of its part; ends for all.
-- A campaign, by its name or id: what a launch would do, or once it is under way what is left of it. Or any SELECT of
-- (phone, …), read as audiences are: read-only, with the rights of sms_audience, whoever asks.
create or replace function sms.dry_run(p_campaign_id bigint, p_as_of timestamptz default clock_timestamp())
    returns table (topic text, key text, messages bigint, segments bigint, cost numeric, at timestamptz)
    language plpgsql stable
    set transaction_read_only = on set standard_conforming_strings = on
as $$
begin
    return query select r.* from sms.dry_run_campaign(p_campaign_id, coalesce(p_as_of, clock_timestamp())) as r;
end
$$;
comment on function sms.dry_run(bigint, timestamptz) is
    'Preview of a campaign''s launch, or of what is left of it: kept, suppressed by reason, deferred by hour, segments, cost, end. Writes nothing.';
revoke execute on function sms.dry_run(bigint, timestamptz) from public;

create or replace function sms.dry_run(
    p_select text, p_channel text default 'planned', p_body text default null, p_campaign_id bigint default null,
    p_as_of timestamptz default clock_timestamp()
)
    returns table (topic text, key text, messages bigint, segments bigint, cost numeric, at timestamptz)
    language plpgsql stable
    set transaction_read_only = on set standard_conforming_strings = on
as $$
declare
    _as_of timestamptz := coalesce(p_as_of, clock_timestamp());
begin
    if exists (select from sms.campaign as c where c.campaign = p_select) then
        return query select r.* from sms.dry_run_campaign(sms.find_campaign(p_select), _as_of) as r;
        return;
    end if;
    return query
    select r.*
      from sms.dry_run_report(sms.dry_run_audience(p_select, p_channel, p_body, p_campaign_id, _as_of), null, _as_of) as r;
end
$$;
comment on function sms.dry_run(text, text, text, bigint, timestamptz) is
    'Preview of sending to a SELECT of (phone, …), or of the campaign with this name: kept, suppressed by reason, deferred by hour, segments, cost, end. Writes nothing.';
revoke execute on function sms.dry_run(text, text, text, bigint, timestamptz) from public;
