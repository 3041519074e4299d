-- The host of a link: what of it may be shown, as path and query may name a person.
create or replace function sms.link_host(p_url text)
    returns text
    language sql immutable
as $$ select lower(substring(p_url from '^[a-zA-Z]+://(?:[^/?#@]*@)?([^/?#:]+)')) $$;
comment on function sms.link_host is 'The host of a link.';
revoke execute on function sms.link_host from public;
