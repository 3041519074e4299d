-- A template's body as it is kept: where it names a variable without a default, the declared one is written in.
create or replace function sms.with_declared_defaults(p_body text, p_variables jsonb)
    returns text
    language plpgsql immutable
as $$
declare
    _v record;
begin
    for _v in
        select d.key as name, d.value ->> 'default' as default_value
          from jsonb_each(case when jsonb_typeof(p_variables) = 'object' then p_variables else '{}' end) as d
         where d.value ->> 'default' is not null
    loop
        p_body := regexp_replace(p_body, '\{\{\s*' || regexp_replace(_v.name, '([^\w\s])', '\\\1', 'g') || '\s*\}\}',
                                 replace('{{' || _v.name || '|' || _v.default_value || '}}', '\', '\\'), 'g');
    end loop;
    return p_body;
end
$$;
comment on function sms.with_declared_defaults is 'A template''s body with its declared defaults written in.';
revoke execute on function sms.with_declared_defaults from public;
