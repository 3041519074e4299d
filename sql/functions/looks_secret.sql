-- Whether a value of a provider's settings looks like a secret: it stands under such a name, in a URL before the @ or behind
-- such a name, or it is a key by its looks. Fields ({secret}) are none, nor are names of variables.
create or replace function sms.looks_secret(p_name text, p_value text)
    returns boolean
    language sql immutable
as $$
    with terms as (
        select lower(regexp_replace(p_name, '([a-z0-9])([A-Z])', '\1_\2', 'g')) as name,
               regexp_replace(p_value, '\{[a-z_]+(\|number)?\}', '', 'g') as said,
               '(pass(w|phrase|code)|passwd|pwd|secret|token|credential|authori[sz]|(api|access|private|auth)[_-]?key'
                   || '|(^|[^a-z])(pass|psw|auth|login|key|pin|cookie)($|[^a-z]))' as telling
    )
    select case when t.name ~ '(_env|_file)$' then false
                when t.name ~ t.telling
                then regexp_replace(t.said, '^\s*(basic|bearer|token|key|apikey|app|oauth|accesskey)(\s+|$)', '', 'i') ~ '\S'
                else t.said ~ '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*@|^[^/?#\s@]+:[^/?#\s@]+@'
                     or exists (select from regexp_matches(t.said, '[?&]([A-Za-z0-9_.-]+)=([^=&\s][^&\s]*)', 'g') as q (pair)
                                 where lower(q.pair[1]) ~ t.telling)
                     or t.said ~ '-----BEGIN|\meyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}'
                     or t.said ~* '\m(basic|bearer)\s+(?=\S*[0-9])[A-Za-z0-9+/_=.-]{8,}'
                     or t.name not in ('username', 'system_id', 'log', 'note', 'tls_server_name')
                        and t.said ~ '\m([0-9a-f]{32,}|[0-9A-F]{32,}|(?=[A-Za-z_-]*[0-9])(?=[a-z0-9_-]*[A-Z])(?=[A-Z0-9_-]*[a-z])[A-Za-z0-9_-]{24,})' end
      from terms as t
$$;
comment on function sms.looks_secret is 'Whether a value of a provider''s settings looks like a secret.';
revoke execute on function sms.looks_secret from public;
