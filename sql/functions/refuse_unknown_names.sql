-- Raise SM001 or SM002 with a hint when a channel or template name does not exist; silent otherwise.
-- A wrong name is a programming error that would hit every row, so the statement fails and nothing is kept.
create or replace function sms.refuse_unknown_names(p_channels text[], p_templates text[])
    returns void
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _name text;
begin
    select n into _name
      from unnest(p_channels) as n
     where not exists (select from sms.channel as c where c.channel = n)
     limit 1;
    if found then
        raise exception 'unknown channel "%"', coalesce(_name, 'null')
            using errcode = 'SM001',
                  hint = 'Channels: ' || (select string_agg(c.channel, ', ' order by c.channel) from sms.channel as c) || '.';
    end if;
    if p_templates is null then
        return;
    end if;
    select n into _name
      from unnest(p_templates) as n
     where not exists (select from sms.check_template(n, null))
     limit 1;
    if found then
        raise exception 'unknown template "%"', _name
            using errcode = 'SM002',
                  hint = case when exists (select from sms.check_template(split_part(_name, '@', 1), null))
                              then 'A version is pinned as name@3; this one has '
                                   || (select count(*) || ' versions' from sms.template as t join sms.template_version as v using (template_id)
                                        where t.template = split_part(_name, '@', 1)) || '. ' else '' end
                         || coalesce('Templates: ' || (select string_agg(t.template, ', ' order by t.template)
                                                      from sms.template as t) || '.', 'There are no templates yet.');
    end if;
end
$$;
comment on function sms.refuse_unknown_names is 'Error SM001/SM002 with the known names when a channel or template does not exist.';
revoke execute on function sms.refuse_unknown_names from public;
