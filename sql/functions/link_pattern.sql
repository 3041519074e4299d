-- What counts as a link in a text: http or https up to a blank (also one that does not break, or has no width), a quotation mark
-- or an angle bracket, less the punctuation that ends the sentence around it; a parenthesis opened in the link is closed in it.
-- For use with flag i.
create or replace function sms.link_pattern()
    returns text
    language sql immutable
as $$
    select replace('https?://(?:\([^@()]*\)|[^@])*(?:\([^@()]*\)|[^@.,;:!?)\]}''’…–—])', '@',
                   '\s\u0001-\u0020\u007f-\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u2064\ufeff<>"«»“”„')
$$;
comment on function sms.link_pattern is 'The pattern of a link in a text.';
revoke execute on function sms.link_pattern from public;
