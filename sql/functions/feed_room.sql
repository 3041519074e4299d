-- How many more messages of a campaign may be queued now: setting campaign_queue less those that are due; three times it
-- less all that wait, for retries and nights fill the queue as well. Never below zero.
create or replace function sms.feed_room(p_campaign_id bigint, p_now timestamptz)
    returns int
    language plpgsql stable set enable_seqscan = off
as $$
begin
    return (
    select greatest(0, least(s.size - count(p.id) filter (where p.not_before <= p_now + interval '1 minute'), 3 * s.size - count(p.id)))
      from (select max(x.value::int) as size from sms.setting as x where x.setting = 'campaign_queue') as s
      left join sms.pending as p on p.campaign_id = p_campaign_id
     group by s.size
    );
end
$$;
comment on function sms.feed_room is 'How many more messages of a campaign may be queued now.';
revoke execute on function sms.feed_room from public;
