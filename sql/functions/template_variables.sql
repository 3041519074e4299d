-- The variables that a template's body names and those declared for it, in the order of the body, then by name.
-- default_value is the body's own, else the declared one; an undeclared variable is required unless it has a default.
create or replace function sms.template_variables(p_body text, p_variables jsonb default null)
    returns table (name text, is_used boolean, is_declared boolean, is_required boolean, default_value text, sample text, meaning text)
    language sql immutable
as $$
    with used as (
        select btrim(split_part(m.found[1], '|', 1)) as name, min(m.place) as place,
               max(substr(m.found[1], nullif(strpos(m.found[1], '|'), 0) + 1)) as default_value,
               bool_and(strpos(m.found[1], '|') > 0) as always_default
          from regexp_matches(p_body, '\{\{([^{}]*)\}\}', 'g') with ordinality as m (found, place)
         group by 1
    )
    select coalesce(u.name, d.name), u.name is not null, d.name is not null,
           coalesce((d.said ->> 'required')::boolean,
                    not coalesce(u.always_default, false) and d.said ->> 'default' is null),
           coalesce(u.default_value, d.said ->> 'default'), d.said ->> 'sample', d.said ->> 'meaning'
      from used as u
      full join jsonb_each(coalesce(p_variables, '{}')) as d (name, said) on d.name = u.name
     order by u.place, d.name
$$;
comment on function sms.template_variables is 'The variables a template''s body names and those declared for it.';
revoke execute on function sms.template_variables from public;
