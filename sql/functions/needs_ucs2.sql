-- Does a text leave the GSM alphabet? One such character makes the whole text UCS-2: 70 characters to a segment, not 160.
-- Inlined into sms.segments. (U+001B is outside: it would escape.)
create or replace function sms.needs_ucs2(p_text text)
    returns boolean
    language sql immutable strict parallel safe
as $$
    select p_text ~ '[^@£$¥èéùìòÇ\n\x0cØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&''()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\\[~\]|€]'
$$;
comment on function sms.needs_ucs2 is 'Does one character of the text lie outside the GSM alphabet?';
revoke execute on function sms.needs_ucs2 from public;
