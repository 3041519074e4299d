-- The text of a message as it is submitted, its links kept in sms.short_link. Claimed again, a message keeps its codes, so a
-- text that arrives twice has one link. A code that is taken, once in some ten million, is drawn anew.
create or replace function sms.shorten_links(p_message_id bigint, p_text text)
    returns text
    language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
    _codes text[];
    _url text;
    _code text;
begin
    if sms.with_short_links(p_text) = p_text then
        return p_text;
    end if;
    _codes := array(select l.code from sms.short_link as l where l.message_id = p_message_id order by l.link_no);
    for _url in select m[1] from regexp_matches(p_text, '(' || sms.link_pattern() || ')', 'gi') with ordinality as x (m, n)
                 where n > cardinality(_codes) order by n loop
        loop
            _code := sms.link_code(p_message_id);
            insert into sms.short_link (message_id, link_no, code, url)
            values (p_message_id, cardinality(_codes) + 1, _code, _url)
                on conflict do nothing;
            exit when found;
        end loop;
        _codes := _codes || _code;
    end loop;
    return sms.with_short_links(p_text, _codes);
end
$$;
comment on function sms.shorten_links is 'The text of a message as it is submitted, its links kept in sms.short_link.';
revoke execute on function sms.shorten_links from public;
