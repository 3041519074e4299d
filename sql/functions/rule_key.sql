-- The primary key of a rule row as one text: the values of these columns, joined by blanks.
create or replace function sms.rule_key(p_row jsonb, p_columns text[])
    returns text
    language sql immutable
as $$
    select string_agg(p_row ->> c.name, ' ' order by c.n) from unnest(p_columns) with ordinality as c (name, n)
$$;
comment on function sms.rule_key is 'Primary key of a rule row as one text.';
revoke execute on function sms.rule_key from public;
