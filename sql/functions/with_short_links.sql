-- A text with its links shortened, by these codes in their order; without codes as it will look, with nine zeros for each.
-- The text itself where short links are off, or where it would grow beyond the 1,000 characters that a message may have.
create or replace function sms.with_short_links(p_text text, p_codes text[] default null)
    returns text
    language plpgsql stable
as $$
declare
    _base text := (select s.value from sms.setting as s where s.setting = 'short_link_base');
    _between text[];
    _short text;
begin
    if coalesce(_base, '') = '' then
        return p_text;
    end if;
    _between := regexp_split_to_array(p_text, sms.link_pattern(), 'i');
    _short := _between[1];
    for _n in 2..cardinality(_between) loop
        _short := _short || _base || coalesce(p_codes[_n - 1], '000000000') || _between[_n];
    end loop;
    return case when char_length(_short) > 1000 then p_text else _short end;
end
$$;
comment on function sms.with_short_links is 'A text with its links shortened by these codes; without codes as it will look.';
revoke execute on function sms.with_short_links from public;
