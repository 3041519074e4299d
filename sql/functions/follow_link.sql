-- Where a short link leads, and a row of sms.click for who opened it; null for a code that leads nowhere, or no longer.
-- What fetches links for previews and searches is kept apart, by what it calls itself: a program that says nothing is one.
-- A look that is none (HTTP's HEAD) is not counted.
create or replace function sms.follow_link(p_code text, p_user_agent text default null, p_is_counted boolean default true)
    returns text
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
    _now timestamptz := clock_timestamp();
    _month timestamptz;
    _link sms.short_link;
begin
    if p_code is null or p_code !~ '^[0-9A-Za-z]{9}$' then
        return null;
    end if;
    _month := date_trunc('month', _now, 'UTC')
              - make_interval(months => (sms.link_month_no(_now) - strpos(sms.link_letters(), left(p_code, 1)) + 1 + 62) % 62);
    select l.* into _link
      from sms.short_link as l
     where l.code = p_code and l.message_id >= sms.id_at(_month) and l.message_id < sms.id_at(_month + interval '1 month');
    if found and p_is_counted then
        insert into sms.click (message_id, link_no, at, is_robot)
        values (_link.message_id, _link.link_no, _now,
                coalesce(p_user_agent, '') = ''
                or p_user_agent ~* (select nullif(s.value, '') from sms.setting as s where s.setting = 'short_link_robots') is true);
    end if;
    return _link.url;
end
$$;
comment on function sms.follow_link is 'Receiver API. Where a short link leads, noting the click; null for one that leads nowhere.';
revoke execute on function sms.follow_link from public;
