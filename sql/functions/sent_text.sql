-- A text as a channel sends it: with short links where the channel tracks clicks. Writes nothing, so the codes are zeros; for
-- counting segments.
create or replace function sms.sent_text(p_channel_id smallint, p_text text)
    returns text
    language sql stable
as $$
    select case when strpos(p_text, '://') > 0
                 and exists (select from sms.channel as c where c.channel_id = p_channel_id and c.track_clicks)
                then sms.with_short_links(p_text)
                else p_text end
$$;
comment on function sms.sent_text is 'A text as a channel sends it, with zeros for the codes of its short links.';
revoke execute on function sms.sent_text from public;
