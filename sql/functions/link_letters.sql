-- The letters of codes: all of the GSM alphabet's basic table, so that a link never lengthens a text's encoding.
create or replace function sms.link_letters()
    returns text
    language sql immutable
as $$ select '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' $$;
comment on function sms.link_letters is 'The letters of which codes of short links are made.';
revoke execute on function sms.link_letters from public;
