-- Duplicates: suppress when the same text went to the same number within the channel's window.
-- An earlier row of the same number and text in this very batch has not been logged yet: then wait for the next claim.
create or replace function sms.rule_duplicate(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    select c.id, 50::smallint,
           case when d.message_id is null then 'wait' else 'suppress' end, 'duplicate',
           'same text in message ' || d.message_id || ' at ' || d.at, null::timestamptz
      from unnest(p_batch) as c
      left join sms.channel as ch on ch.channel_id = c.channel_id
      left join lateral (
               select l.message_id, l.at
                 from sms.contact_log as l
                where l.msisdn = c.msisdn
                  and l.at > p_as_of - ch.dedup_window
                  and l.at < p_as_of + interval '1 hour'
                  and l.dedup_key = c.dedup_key
                  and l.message_id <> c.id
                limit 1
           ) as d on ch.dedup_window > '0'
     where d.message_id is not null
        or (c.nth_key > 0 and ch.dedup_window > '0')
$$;
comment on function sms.rule_duplicate is 'Rule: suppress the same text to the same number within the channel''s dedup_window.';
revoke execute on function sms.rule_duplicate from public;
