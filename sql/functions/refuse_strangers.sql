-- SM031 where a text could meet what strangers made, before PostgreSQL has looked at it at all: reading a literal of a type
-- already runs the type's own checks. Strangers are all whom sms.is_trusted_author does not know, and the session itself.
-- Names are compared as words of the text, wherever they stand in it: better one text too many than one too few.
-- Volatile, so that it sees the catalogs of now: what was made since the caller's statement began would be found by the text.
create or replace function sms.refuse_strangers(p_query text)
    returns void
    language plpgsql volatile
as $$
declare
    _words text[] := array(select distinct lower(m[1]) from regexp_matches(p_query, '([\w$]+)', 'g') as m);
    _what text;
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'the transaction may not see what was made since it began, so no audience is safe in it' using errcode = 'SM031',
            hint = 'Begin it with: begin isolation level read committed.';
    end if;
    if p_query ~* '\mu&["'']' then
        raise exception 'names and texts written as U&"…" are not read' using errcode = 'SM031', hint = 'Write the letters themselves.';
    end if;
    select s.what into _what from sms.session_objects() as s where s.name is null or sms.is_word_of(s.name, _words) limit 1;
    if found then
        raise exception 'the connection holds temporary objects of its own: %', _what using errcode = 'SM031',
            hint = 'Take them away with: discard temp. Or use another connection.';
    end if;
    select s.what into _what
      from sms.strangers_objects() as s
     where (s.name is null or sms.is_word_of(s.name, _words)) and (s.place is null or sms.is_word_of(s.place, _words))
     limit 1;
    if found then
        raise exception 'the SELECT could meet %, whose author is not known', _what using errcode = 'SM031',
            hint = 'It may use what PostgreSQL, PostGIS, a superuser or the owner of the schema sms made.';
    end if;
end
$$;
comment on function sms.refuse_strangers is 'Error SM031 where a text names what strangers or the session itself made; asked before it is parsed.';
revoke execute on function sms.refuse_strangers from public;
