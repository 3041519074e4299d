-- 41 bits of milliseconds since 2020 reach into September 2089; we stop at the last whole year. Before this an id of 2089
-- would have lain beyond every partition, and one of the end of that year would have been negative.

create function sms.refuse_id() returns bigint
    language plpgsql volatile parallel unsafe
as $$
begin
    raise exception 'the range of ids ended with the year 2088' using errcode = 'SM081',
        hint = 'If that year is far off, set the server''s clock. Else it is time for wider ids: see docs/design.md, "Ids".';
end
$$;
comment on function sms.refuse_id is 'Ids begin with milliseconds since 2020 in 41 bits: says that they are used up (SM081).';
revoke execute on function sms.refuse_id from public;

-- Still one expression, so that it is inlined into every default that draws an id.
create or replace function sms.next_id() returns bigint
    language sql volatile parallel unsafe
as $$
    select case when clock_timestamp() < '2089-01-01 00:00Z'
                then (((date_part('epoch', clock_timestamp()) * 1000)::bigint - 1577836800000) << 22) | nextval('sms.id_seq')
                else sms.refuse_id() end
$$;
comment on function sms.next_id is 'A new time-ordered id, until the end of 2088. Exceeds 2^53: in JSON and HTML it is a string.';
