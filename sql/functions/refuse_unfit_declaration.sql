-- SM037 where declared variables are not an object of {"required", "default", "sample", "meaning"} by name.
create or replace function sms.refuse_unfit_declaration(p_variables jsonb)
    returns void
    language plpgsql immutable
as $$
declare
    _problem text;
begin
    if jsonb_typeof(p_variables) <> 'object' then
        raise exception 'variables are not a JSON object' using errcode = 'SM037',
            hint = 'Like: {"name": {"required": true, "sample": "Анна", "meaning": "first name"}}.';
    end if;
    select case when d.name !~ '^[^{}|\s]([^{}|]{0,78}[^{}|\s])?$' then 'its name has braces, bars or outer spaces, or is longer than 80'
                when jsonb_typeof(d.said) <> 'object' then 'it is not an object'
                when k.key not in ('required', 'default', 'sample', 'meaning') then 'it has an unknown key ' || quote_literal(k.key)
                when k.key = 'required' then 'required is neither true nor false'
                else k.key || ' is no text or number, or has braces' end || ': ' || quote_literal(d.name)
      into _problem
      from jsonb_each(p_variables) as d (name, said)
      left join lateral jsonb_each(case when jsonb_typeof(d.said) = 'object' then d.said else '{}' end) as k on true
     where d.name !~ '^[^{}|\s]([^{}|]{0,78}[^{}|\s])?$'
        or jsonb_typeof(d.said) <> 'object'
        or k.key not in ('required', 'default', 'sample', 'meaning')
        or k.key = 'required' and jsonb_typeof(k.value) <> 'boolean'
        or k.key <> 'required' and jsonb_typeof(k.value) not in ('string', 'number', 'null')
        or k.key = 'default' and k.value #>> '{}' ~ '[{}]'
     limit 1;
    if found then
        raise exception 'a declared variable cannot be used, %', _problem using errcode = 'SM037',
            hint = 'Like: {"name": {"required": true, "sample": "Анна", "meaning": "first name"}}.';
    end if;
end
$$;
comment on function sms.refuse_unfit_declaration is 'Error SM037 where declared variables are not written as they should be.';
revoke execute on function sms.refuse_unfit_declaration from public;
