-- SM036 for a body whose braces do not match or that can only be too long, SM037 for variables that are not as declared.
-- p_variables null declares nothing, so the body may name whatever it likes.
create or replace function sms.refuse_unfit_template(p_body text, p_variables jsonb)
    returns void
    language plpgsql stable
as $$
declare
    _plain text := regexp_replace(p_body, '\{\{[^{}]*\}\}', '', 'g');
    _v record;
begin
    if coalesce(p_body, '') = '' then
        raise exception 'a template needs a body' using errcode = 'SM036';
    end if;
    if _plain ~ '\{\{|\}\}' then
        raise exception 'the braces do not match near %',
                        quote_literal(substr(_plain, greatest(strpos(_plain, case when _plain ~ '\{\{' then '{{' else '}}' end) - 10, 1), 30))
            using errcode = 'SM036', hint = 'Write {{variable}} or {{variable|default}}, without braces inside.';
    end if;
    if p_body ~ '\{\{\s*(\|[^{}]*)?\}\}' then
        raise exception 'a variable has no name' using errcode = 'SM036', hint = 'Write {{variable}} or {{variable|default}}.';
    end if;
    if char_length(_plain) > 1000 then
        raise exception 'the text has % characters without its variables, more than 1,000', char_length(_plain)
            using errcode = 'SM036', hint = 'Texts have up to 1,000 characters after substitution.';
    end if;
    if p_variables is null then
        return;
    end if;
    perform sms.refuse_unfit_declaration(p_variables);
    for _v in select v.* from sms.template_variables(p_body, p_variables) as v loop
        if not _v.is_declared then
            raise exception 'the variable % is not declared', quote_literal(_v.name) using errcode = 'SM037',
                hint = coalesce('Declared: ' || (select string_agg(k, ', ' order by k) from jsonb_object_keys(p_variables) as k) || '. ', '')
                       || 'Declare it in variables, or correct its name.';
        elsif _v.is_used and not _v.is_required and _v.default_value is null then
            raise exception 'the variable % may be missing but has no default', quote_literal(_v.name) using errcode = 'SM037',
                hint = 'Write {{' || _v.name || '|default}} or declare one; an empty default is one too.';
        elsif _v.is_required and _v.default_value is not null then
            raise exception 'the variable % is required, so a default for it would never be used', quote_literal(_v.name)
                using errcode = 'SM037', hint = 'Take the default away, or declare "required": false.';
        end if;
    end loop;
end
$$;
comment on function sms.refuse_unfit_template is 'Error SM036 or SM037 where a body and its declared variables make no template.';
revoke execute on function sms.refuse_unfit_template from public;
