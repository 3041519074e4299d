-- The SELECT of an audience and of every audience that it names in quotes of either kind, directly or through others; itself
-- first.
create or replace function sms.audience_texts(p_audience text)
    returns table (audience text, query text)
    language sql stable
as $$
    with recursive used as (
        select a.audience, a.query from sms.audience as a where a.audience = p_audience and a.removed_at is null
        union
        select b.audience, b.query
          from used as u
          join sms.audience as b
            on b.removed_at is null
           and (strpos(u.query, '''' || b.audience || '''') > 0 or strpos(u.query, '$' || b.audience || '$') > 0)
    )
    select u.audience, u.query from used as u order by u.audience <> p_audience, u.audience
$$;
comment on function sms.audience_texts is 'The SELECT of an audience and of those it names, itself first.';
revoke execute on function sms.audience_texts from public;
