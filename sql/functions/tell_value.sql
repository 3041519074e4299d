-- A value as a log may show it: a text by its length, phones masked, settings of a provider by their names, long ones cut.
create or replace function sms.tell_value(p_name text, p_value text)
    returns text
    language sql immutable
as $$
    select case when p_value is null then 'none'
                when p_name = 'body' then char_length(p_value) || ' characters'
                when p_name = 'settings' and p_value like '{%'
                then (select string_agg(e.key || case e.value when '…' then '' else ' (' || e.value || ')' end, ' ' order by e.key)
                        from jsonb_each_text(p_value::jsonb) as e)
                else sms.mask_phones(case when char_length(p_value) > 100 then left(p_value, 100) || '…' else p_value end) end
$$;
comment on function sms.tell_value is 'A value as a log may show it: phones masked, a text by its length, long ones cut.';
revoke execute on function sms.tell_value from public;
