-- What counts as a link in a text: http or https up to a blank, a quotation mark or an angle bracket, less the punctuation
-- that ends the sentence around it. For use with flag i.
create or replace function sms.link_pattern()
    returns text
    language sql immutable
as $$ select 'https?://[^\s<>"«»]*[^\s<>"«».,;:!?)\]}''…]' $$;
comment on function sms.link_pattern is 'The pattern of a link in a text.';
revoke execute on function sms.link_pattern from public;
