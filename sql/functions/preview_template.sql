-- A template filled in with these values, else its samples, else its defaults, and what the text costs: see sms.preview_text.
-- problem tells why it would be suppressed, variable how each was filled in. 'name@3' previews its third version.
create or replace function sms.preview_template(
    p_template text, p_vars jsonb default null, p_channel text default 'planned', p_as_of timestamptz default now()
)
    returns table (topic text, key text, text text, units int, segments int, cost numeric)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _version sms.template_version;
begin
    perform sms.refuse_unknown_names(array[p_channel], array[coalesce(p_template, '')]);
    select v.* into _version
      from sms.check_template(p_template, null) as c
      join sms.template_version as v on v.template_version_id = c.template_version_id;
    return query select p.* from sms.preview_body(_version.body, _version.variables, p_vars, p_channel, p_as_of) as p;
end
$$;
comment on function sms.preview_template is
    'A template filled in with values or samples: text, encoding, segments, price, what forces UCS-2, cheaper spellings.';
revoke execute on function sms.preview_template from public;
